"""Reads texts, one a line as JSON, and says of each what client_python's OpenMetrics parser makes of it."""
import json
import math
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def show(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    return repr(value)


for line in sys.stdin:
    try:
        samples = [
            [sample.name, sorted([name, value] for name, value in sample.labels.items() if value), show(sample.value)]
            for family in text_string_to_metric_families(json.loads(line))
            for sample in family.samples
        ]
        answer = {"samples": samples}
    except ValueError as error:
        answer = {"error": str(error)}
    except Exception as error:  # The parser's own accident: no verdict.
        answer = {"accident": repr(error)}
    print(json.dumps(answer))
