"""How far from optimal can a follower's policy be where its gradient is small?"""
