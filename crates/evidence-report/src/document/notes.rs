//! People's own words, behind the managed region: kept on regeneration, never judged.

use super::{
    escape::inline,
    read::{ReadError, read},
};

/// What a regenerated file begins its notes with when there were none.
const EMPTY: &str = "\n## Notes\n\n";

/// What stands at the place where a new evidence file goes.
///
/// ```
/// use evidence_report::document::notes::{Standing, kept};
///
/// let (standing, notes) = kept(Some("# By hand\n"));
/// assert_eq!(standing, Standing::ByHand);
/// assert!(notes.ends_with("# By hand\n"), "the whole page goes into the notes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// An evidence file: its notes go into the new one.
    Evidence,
    /// A page by hand: all of it goes into the new one's notes.
    ByHand,
    /// Something that cannot be taken apart without losing somebody's words: it is to be kept aside.
    Damaged(ReadError),
}

/// Looks at what stands at the place, and says how its words are kept: the text to put behind the new
/// managed region.
#[must_use]
pub fn kept(existing: Option<&str>) -> (Standing, String) {
    let Some(text) = existing.filter(|text| !text.trim().is_empty()) else {
        return (Standing::Nothing, EMPTY.to_owned());
    };
    match read(text) {
        Ok(document) if document.notes.trim().is_empty() => (Standing::Evidence, EMPTY.to_owned()),
        Ok(document) => (Standing::Evidence, document.notes),
        Err(ReadError::NoEvidence) => {
            let kept = format!("{EMPTY}The page that stood here before, written by hand:\n\n{text}");
            (Standing::ByHand, kept)
        }
        Err(error) => (Standing::Damaged(error), EMPTY.to_owned()),
    }
}

/// A note that a tool proposes: people complete it.
///
/// ```
/// use evidence_report::document::notes::{Template, proposed};
///
/// let risk = Template { heading: "Risk note".into(), points: vec!["Accepted by: …".into()] };
/// assert!(proposed("\n## Notes\n".into(), &[risk]).ends_with("### Risk note\n\n- Accepted by: …\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its heading, the same from run to run.
    pub heading: String,
    /// Its points, one a line.
    pub points: Vec<String>,
}

/// The notes with what is proposed behind them. What stands there under its heading already, completed or not,
/// is left as it is.
#[must_use]
pub fn proposed(mut notes: String, templates: &[Template]) -> String {
    for template in templates {
        let heading = format!("### {}", inline(&template.heading));
        if notes.lines().any(|line| line.trim_end() == heading) {
            continue;
        }
        notes.truncate(notes.trim_end().len());
        let points = template.points.iter().map(|point| format!("- {}\n", inline(point)));
        notes = format!("{notes}\n\n{heading}\n\n{}", points.collect::<String>());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_proposed_once_and_people_s_words_stay() {
        let template = |agreed: &str| Template {
            heading: "Risk note: recovery.time".to_owned(),
            points: vec![format!("Agreed: {agreed}"), "Accepted by: …".to_owned()],
        };
        let fresh = proposed(kept(None).1, &[template("1 h")]);
        assert_eq!(fresh, "\n## Notes\n\n### Risk note: recovery.time\n\n- Agreed: 1 h\n- Accepted by: …\n");
        let completed = fresh.replace('…', "DBA, until 2027-01-01");
        assert_eq!(proposed(completed.clone(), &[template("2 h")]), completed);
    }

    #[test]
    fn a_hand_written_page_keeps_its_words_before_what_is_proposed() {
        let template = Template { heading: "Risk".to_owned(), points: vec!["<b>".to_owned()] };
        let notes = proposed(kept(Some("by hand\n")).1, &[template]);
        assert!(notes.contains("by hand\n\n### Risk\n\n- &lt;b&gt;\n"), "{notes}");
    }
}
