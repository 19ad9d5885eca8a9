//! Which targets a Makefile has. It is read, never run: what would need make's own evaluation is not understood, and
//! says so. It knows no tracker.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::paths::{inside, read_regular};

/// No more files than this are read for one Makefile.
const MOST_FILES: usize = 64;

/// What is known of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// There is a rule for it, in this file.
    Rule(String),
    /// It is declared `.PHONY`, and no rule says what to do.
    OnlyPhony,
    /// Nothing makes it.
    Missing(String),
    /// It cannot be told without make.
    NotUnderstood(String),
}

/// The targets of a Makefile and of what it includes.
#[derive(Debug, Default)]
struct Makefile {
    rules: BTreeSet<(String, String)>,
    phony: BTreeSet<String>,
    /// The first line that only make understands.
    unclear: Option<String>,
    read: Vec<PathBuf>,
}

/// The targets of one command line behind `make`: `-C ops check STAGE=1` → `check` in `ops`.
pub(super) fn observe(root: &Path, command: &str) -> Target {
    let mut folder = PathBuf::new();
    let mut file = None;
    let mut targets = Vec::new();
    let mut words = command.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "-C" | "--directory" | "-f" | "--file" | "--makefile" => {
                let value = words.next().unwrap_or_default();
                let Some(path) = inside(&folder, value) else {
                    return Target::Missing(format!("{value} leads out of the repository"));
                };
                if matches!(word, "-C" | "--directory") { folder = path } else { file = Some(path) }
            }
            "-j" | "-l" | "-o" | "-W" | "-I" | "--jobs" => {
                return Target::NotUnderstood(format!("the option {word}"));
            }
            _ if word.starts_with('-') || word.contains('=') => {}
            _ if word.contains('$') => return Target::NotUnderstood(format!("the variable in {word}")),
            _ => targets.push(word),
        }
    }
    let makefile = match Makefile::read(root, &folder, file) {
        Ok(makefile) => makefile,
        Err(why) => return why,
    };
    let mut known = targets.iter().map(|target| makefile.target(target));
    let first = known.next().unwrap_or_else(|| Target::Missing("no target is named".to_owned()));
    known.fold(first, |before, target| if matches!(before, Target::Rule(_)) { target } else { before })
}

impl Makefile {
    fn read(root: &Path, folder: &Path, file: Option<PathBuf>) -> Result<Self, Target> {
        let mut makefile = Self::default();
        // GNU make takes the first of these.
        let names = ["GNUmakefile", "makefile", "Makefile"].map(|name| folder.join(name));
        let path = file.or_else(|| names.into_iter().find(|name| root.join(name).exists()));
        let Some(path) = path else {
            let place =
                if folder.as_os_str().is_empty() { "the root".into() } else { folder.display().to_string() };
            return Err(Target::Missing(format!("no Makefile in {place}")));
        };
        makefile
            .add(root, folder, &path)
            .map_err(|why| Target::NotUnderstood(format!("{}: {why}", path.display())))?;
        Ok(makefile)
    }

    fn add(&mut self, root: &Path, folder: &Path, path: &Path) -> Result<(), String> {
        if self.read.iter().any(|read| read == path) {
            return Ok(());
        }
        if self.read.len() >= MOST_FILES {
            return Err(format!("it includes more than {MOST_FILES} files"));
        }
        let real = fs_err::canonicalize(root.join(path)).map_err(|error| error.to_string())?;
        if !real.starts_with(root) {
            return Err("it leads out of the repository".to_owned());
        }
        let (bytes, _) = read_regular(&real).map_err(|error| error.to_string())?;
        self.read.push(path.to_owned());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut within_define = false;
        let mut number = 0;
        let mut lines = text.lines();
        while let Some(first) = lines.next() {
            number += 1;
            let begins = number;
            let mut line = first.to_owned();
            while line.ends_with('\\') {
                line.pop();
                let Some(more) = lines.next() else { break };
                number += 1;
                line.push(' ');
                line.push_str(more);
            }
            let word = line.split_whitespace().next().unwrap_or_default();
            match word {
                "define" => within_define = true,
                "endef" => within_define = false,
                _ if within_define || first.starts_with('\t') => {}
                _ => {
                    let place = format!("{}:{begins}", path.display());
                    self.line(root, folder, &place, line.split('#').next().unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, root: &Path, folder: &Path, place: &str, line: &str) {
        let mut words = line.split_whitespace();
        let word = words.next().unwrap_or_default();
        if matches!(word, "include" | "-include" | "sinclude") {
            return words.for_each(|name| self.include(root, folder, place, word == "include", name));
        }
        let is_text =
            matches!(word, "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" | "export" | "unexport")
                || matches!(word, "override" | "private" | "vpath" | "undefine");
        if is_text || word.is_empty() || is_assignment(line) {
            return;
        }
        let Some((targets, rest)) = split_rule(line) else {
            // A line that is no rule by itself may become one: $(eval …), $(call …).
            if line.contains('$') {
                self.unclear.get_or_insert_with(|| format!("{place}: {}", line.trim()));
            }
            return;
        };
        if targets.contains('$') {
            self.unclear.get_or_insert_with(|| format!("{place}: {}", line.trim()));
            return;
        }
        if targets.trim() == ".PHONY" {
            if rest.contains('$') {
                self.unclear.get_or_insert_with(|| format!("{place}: {}", line.trim()));
            }
            return self.phony.extend(rest.split_whitespace().map(str::to_owned));
        }
        if is_assignment(rest) {
            return;
        }
        for target in targets.trim_end_matches('&').split_whitespace().filter(|name| !name.starts_with('.')) {
            self.rules.insert((target.to_owned(), place.to_owned()));
        }
    }

    fn include(&mut self, root: &Path, folder: &Path, place: &str, is_needed: bool, name: &str) {
        let unclear = |why: &str| format!("{place}: include {name}{why}");
        if name.contains(['$', '*', '?', '[']) {
            self.unclear.get_or_insert_with(|| unclear(""));
            return;
        }
        let Some(path) = inside(folder, name) else {
            self.unclear.get_or_insert_with(|| unclear(", which leads out of the repository"));
            return;
        };
        if let Err(why) = self.add(root, folder, &path)
            && (is_needed || root.join(&path).exists())
        {
            self.unclear.get_or_insert_with(|| unclear(&format!(": {why}")));
        }
    }

    fn target(&self, name: &str) -> Target {
        let fits = |(rule, _): &&(String, String)| match rule.split_once('%') {
            None => rule == name,
            Some((before, after)) => {
                name.len() > before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            }
        };
        if let Some((_, place)) = self.rules.iter().find(fits) {
            return Target::Rule(place.clone());
        }
        if let Some(unclear) = &self.unclear {
            return Target::NotUnderstood(unclear.clone());
        }
        if self.phony.contains(name) {
            return Target::OnlyPhony;
        }
        let files: Vec<_> = self.read.iter().map(|path| path.display().to_string()).collect();
        Target::Missing(format!("no such target in {}", files.join(", ")))
    }
}

/// `A = b`, `A := b`, `A ::= b`, `A += b`, `A ?= b`, `A != b`.
fn is_assignment(line: &str) -> bool {
    let Some((name, _)) = line.split_once('=') else { return false };
    let name = name.trim_end_matches([':', '+', '?', '!']).trim();
    !name.is_empty() && !name.contains([':', '\t', ';']) && name.split_whitespace().count() == 1
}

/// `a b:: c` → (`a b`, `c`).
fn split_rule(line: &str) -> Option<(&str, &str)> {
    let (targets, rest) = line.split_once(':')?;
    Some((targets, rest.trim_start_matches(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(files: &[(&str, &str)], command: &str) -> Target {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        observe(&fs_err::canonicalize(folder.path()).unwrap(), command)
    }

    fn rule(place: &str) -> Target {
        Target::Rule(place.to_owned())
    }

    #[test]
    fn rules_are_found_as_make_would() {
        let text = ".PHONY: check gone\nVERSION := 1\nX=a:b\nURL := http://x\ncheck: build # it\n\tfalse: x\na \\\n b:: c\nreport-%:\n\ttouch $@\ndebug: CFLAGS = -g\ndefine NOTE\nhidden: x\nendef\nc d &: e\n";
        let files = [("Makefile", text)];
        for (command, told) in [
            ("check", rule("Makefile:5")),
            ("b", rule("Makefile:7")),
            ("report-weekly", rule("Makefile:9")),
            ("-s check STAGE=1", rule("Makefile:5")),
            ("d", rule("Makefile:15")),
            ("gone", Target::OnlyPhony),
            ("report-", Target::Missing("no such target in Makefile".into())),
            ("debug", Target::Missing("no such target in Makefile".into())),
            ("hidden", Target::Missing("no such target in Makefile".into())),
            ("X", Target::Missing("no such target in Makefile".into())),
            ("check other", Target::Missing("no such target in Makefile".into())),
            ("", Target::Missing("no target is named".into())),
            ("$(T)", Target::NotUnderstood("the variable in $(T)".into())),
            ("-C ../.. check", Target::Missing("../.. leads out of the repository".into())),
        ] {
            assert_eq!(known(&files, command), told, "{command}");
        }
    }

    #[test]
    fn includes_are_followed_inside_and_what_needs_make_is_not_understood() {
        let files =
            [("Makefile", "include ops/a.mk\n-include gone.mk\n"), ("ops/a.mk", "include ops/a.mk\nx:\n")];
        assert_eq!(known(&files, "x"), rule("ops/a.mk:2"));
        assert_eq!(known(&files, "y"), Target::Missing("no such target in Makefile, ops/a.mk".into()));
        for (line, told) in [
            ("$(NAMES):\n", "Makefile:1: $(NAMES):"),
            ("include $(ALL)\n", "Makefile:1: include $(ALL)"),
            ("include ../x.mk\n", "Makefile:1: include ../x.mk, which leads out of the repository"),
            ("$(eval $(call rule,x))\n", "Makefile:1: $(eval $(call rule,x))"),
        ] {
            assert_eq!(known(&[("Makefile", line)], "x"), Target::NotUnderstood(told.into()));
        }
        assert!(matches!(known(&[("Makefile", "include gone.mk\n")], "x"), Target::NotUnderstood(_)));
    }

    #[test]
    fn the_first_of_makes_names_counts_and_folders_have_their_own() {
        let files = [("Makefile", "a:\n"), ("GNUmakefile", "b:\n"), ("ops/Makefile", "c:\n")];
        assert_eq!(known(&files, "b"), rule("GNUmakefile:1"));
        assert_eq!(known(&files, "a"), Target::Missing("no such target in GNUmakefile".into()));
        assert_eq!(known(&files, "-C ops c"), rule("ops/Makefile:1"));
        assert_eq!(known(&[], "a"), Target::Missing("no Makefile in the root".into()));
    }
}
