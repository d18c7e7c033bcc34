"""Pictures of what a classifier built; needs matplotlib, the extra ``plot``.

Without heads, everything that the classifier knows about a sequence is one number, its code, and everything that the network
does after the attention is to cut the line of codes into cells of one label: the whole classifier is a picture of one line.
With heads it adds up a score, and the part of it that hardmax attention reads comes from single tokens, the leaders: one
decision is a picture of one sequence with its leaders marked. Where attention is all there is, tokens flow towards leaders,
and the picture is the way that they take.
"""

from sklearn_hardmax.plotting.code_line import CodeLineDisplay
from sklearn_hardmax.plotting.leader_bars import LeaderBarDisplay
from sklearn_hardmax.plotting.leaders import LeaderDisplay
from sklearn_hardmax.plotting.token_flow import TokenFlowDisplay

__all__ = ["CodeLineDisplay", "LeaderBarDisplay", "LeaderDisplay", "TokenFlowDisplay"]
