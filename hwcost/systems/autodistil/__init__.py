"""AutoDistil: three SuperLMs learn a teacher's relations, and the best nets of all 768 are searched for.

Source: Xu et al., "AutoDistil", sections 3.2 (Algorithm 1), 3.3 and 4.2: the task-agnostic search selects the net with the
least relation loss within half of the teacher's operations; the task-proxy search fine-tunes nets on one task, and selects
the best trade-off of each sub-space, which the paper leaves undefined: here the knee of the front.
"""
