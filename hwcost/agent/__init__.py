"""The runner of a job folder, which measures on a machine that has no hwcost.

``hwcost plan`` copies these files into the folder. They need Python 3.8 and its standard library, and the runtime that
executes the models; they import nothing of hwcost's, and one another by relative names only. What they share with hwcost's
own campaigns stands here once, and is imported from here.
"""
