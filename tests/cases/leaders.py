"""Seven tokens of which three lead, one in each corner of a triangle."""

TRIANGLE = [[3.0, 0.0], [1.0, 0.2], [0.0, 3.0], [0.1, 1.0], [-2.0, -2.0], [-1.0, -0.9], [-0.2, -0.3]]
