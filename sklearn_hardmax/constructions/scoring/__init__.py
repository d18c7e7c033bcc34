"""CodeClassifier that generalises: a ridge regression on heads, and corrections of its training errors."""
