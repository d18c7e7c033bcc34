"""Pictures of fitted estimators and of their decisions; needs matplotlib, the extra ``plot``.

CodeLineDisplay    The decision of HardmaxTransformerClassifier(n_heads=0): one number per sequence, its code, and the
                   intervals of codes that belong to each class.
LeaderDisplay      The decision of HardmaxTransformerClassifier with heads for one sequence: the tokens that its heads attend
                   to by hardmax attention, and their contributions to the score.
TokenFlowDisplay   The paths of the tokens of one sequence through the layers of LeaderFlow, LeaderClustering or
                   LeaderTextClassifier.
LeaderBarDisplay   The words that lead most texts, for LeaderTextClassifier.

canvas.py holds the checks that all of them share, texts.py places names in pictures; leader_marks.py and flow_paths.py
compute the numbers that LeaderDisplay and TokenFlowDisplay draw.
"""

from sklearn_hardmax.plotting.code_line import CodeLineDisplay
from sklearn_hardmax.plotting.leader_bars import LeaderBarDisplay
from sklearn_hardmax.plotting.leaders import LeaderDisplay
from sklearn_hardmax.plotting.token_flow import TokenFlowDisplay

__all__ = ["CodeLineDisplay", "LeaderBarDisplay", "LeaderDisplay", "TokenFlowDisplay"]
