"""Where the house is: its branches.

Owns `branches`. A branch has a short code that no other has. Who works there is identity's to say;
what is a branch's own is seen by its tellers only (`access.branch_scope`).
"""
