"""How curved is the Stackelberg objective in the leader's logits?"""
