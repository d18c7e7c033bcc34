"""The reliability campaign: cases drawn from a seed, and the laws that every case must keep.

data.py draws numbers that are awkward, forms.py writes the same numbers down in many ways, inputs.py puts both together,
subjects.py knows the estimators, laws.py checks one case. tests/test_reliability.py checks a few cases, the script
tests/reliability.py very many.
"""
