"""All words that stand in a still figure: a translation changes this file alone."""

WORDS = {
    "density": "density",
    "average": "average of the first $n$ values",
    "n": "number of values $n$",
    "band": r"$3.5 \pm 1.71 / \sqrt{n}$",
    "value": "value $x$",
    "area": "shaded area = probability",
    "positive": "positive",
    "negative": "negative",
    "fires": "alarm",
    "silent": "no alarm",
    "spam": "spam: 100",
    "fine": "not spam: 900",
    "total": "signed area = KL = 0.5",
    "real": "real",
    "generated": "generated",
    "precision": "precision: {} of {} crosses inside",
    "recall": "recall: {} of {} dots inside",
}
