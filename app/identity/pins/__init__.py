"""PINs: with theirs, a second person of a branch confirms an act at a colleague's screen.

A PIN never signs in. Owns `staff_pins`, and counts wrong ones as sign-in counts wrong codes.
"""
