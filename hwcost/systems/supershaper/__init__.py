"""SuperShaper: one supernet, two predictors, and shapes evolved within a size or within a latency.

Source: Ganesan et al., "SuperShaper", sections 3 and 4: sandwich training, perplexity and latency predicted from shapes
(Figures 7 and 9), evolution under constraints, and the shapes that they lead to (Figure 8, Table 6).
"""
