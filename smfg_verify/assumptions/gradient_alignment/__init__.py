"""Does the direct part of the Stackelberg gradient point where the total gradient does?"""
