//! The checks of `import`.

use crate::record::Check;

pub(in crate::command) static RESULT: Check = Check {
    id: "import.result",
    title: "Result of another tool",
    explanation: "Each test, threshold or finding that another tool reports, by its own words. Failed and error fail; \
        skipped, ignored, to do and suppressed never pass, and are shown; flaky warns; open for review is inconclusive. \
        `--check NAME` gives the results a name of their own.",
    remedy: "Read the other tool's report, and mend what it found.",
};

pub(in crate::command) static COMPLETE: Check = Check {
    id: "import.complete",
    title: "Report is whole",
    explanation: "A report that is cut off, that holds fewer tests than it counts, a suite or a run without any \
        result, a plan that is not kept: what is missing may have failed. What could be read counts all the same.",
    remedy: "Run the other tool again, to its end, and import what it then writes.",
};

pub(in crate::command) static RECENT: Check = Check {
    id: "import.recent",
    title: "Report is recent",
    explanation: "An old report says nothing about today, and importing it today makes it no younger. Its time is the \
        one that it tells, or else when the file was last written; `--max-age` says how old it may be.",
    remedy: "Run the other tool again, or say with --max-age how old its report may be.",
};
