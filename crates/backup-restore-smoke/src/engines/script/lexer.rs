//! Cuts an SQL script into statements, rows of COPY, commands of psql and comments, the way psql does, as a
//! stream: nothing is held but the statement at hand, and of that at most a mebibyte.
//!
//! It knows psql's lexis (psqlscan.l) and not what a statement means.

use std::io::{self, BufRead, Read as _};

use super::tokens::{Token, tokens};

/// So many bytes of a statement or line are handed over at once, at most.
const PIECE: usize = 1 << 20;

/// The longest way to write the line that ends the data.
const END_OF_DATA: &[u8] = b"\\.\r\n";

/// A part of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A statement with the semicolon behind it; a long one comes in parts.
    Statement {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether this is its first part.
        begins: bool,
        /// Whether this is its last part.
        ends: bool,
    },
    /// (A part of) the data of a COPY.
    Data {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether a line ends here.
        line_ends: bool,
    },
    /// The line `\.` that ends the data.
    EndOfData(&'a [u8]),
    /// A command for psql, from its backslash on to the end of its line.
    Meta {
        /// The line from the backslash on.
        line: &'a [u8],
        /// Whether a statement has begun before it.
        in_statement: bool,
    },
    /// A comment line outside of statements.
    Comment(&'a [u8]),
}

/// How a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Between statements.
    Whole,
    /// In the middle of a statement.
    InStatement,
    /// In the data of a COPY.
    InData,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Plain,
    /// `'…'`; whether a backslash escapes.
    Text(bool),
    Name,
    Dollar(Vec<u8>),
    LineComment,
    BlockComment(u32),
}

/// What is known of the statement at hand.
struct Lexer {
    state: State,
    pending: Vec<u8>,
    /// The statement's parts so far were handed over.
    continued: bool,
    /// Anything but blanks and comments was seen.
    begun: bool,
    parentheses: u32,
    /// Depth of `BEGIN ATOMIC … END` in the body of an SQL function.
    bodies: u32,
    /// The first words, for the rule about bodies.
    words: Vec<String>,
    word: Vec<u8>,
    /// An escaping text ended here; a next one behind a line break continues it.
    after_escaping: Option<bool>,
    data: bool,
    data_follows: bool,
    /// Nothing of the line at hand was taken yet.
    line_begins: bool,
}

/// Reads a script to its end and hands over its parts.
///
/// # Errors
/// When it cannot be read, or `take` does not want more.
pub(crate) fn read<R: BufRead>(
    reader: R,
    take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<End> {
    read_by(PIECE, reader, take)
}

/// Reads lines, and long ones so many bytes at a time. What belongs together and was cut apart waits for the rest.
fn read_by<R: BufRead>(
    at_once: usize,
    mut reader: R,
    take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<End> {
    let mut lexer = Lexer::new();
    let mut line = Vec::new();
    loop {
        let count = (&mut reader).take(at_once as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        let goes_on = count > 0 && !line.ends_with(b"\n");
        let used = match lexer.data {
            true => lexer.row(&line, goes_on, take)?,
            false => lexer.line(&line, goes_on, take)?,
        };
        if used > 0 {
            lexer.line_begins = !goes_on;
        }
        line.drain(..used);
    }
    if lexer.data {
        return Ok(End::InData);
    }
    let whole = !lexer.begun && matches!(lexer.state, State::Plain | State::LineComment);
    Ok(if whole { End::Whole } else { End::InStatement })
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Lexer {
    const fn new() -> Self {
        Self {
            state: State::Plain,
            pending: Vec::new(),
            continued: false,
            begun: false,
            parentheses: 0,
            bodies: 0,
            words: Vec::new(),
            word: Vec::new(),
            after_escaping: None,
            data: false,
            data_follows: false,
            line_begins: true,
        }
    }

    /// Takes a row, or the line that ends them; says how many bytes.
    fn row(
        &mut self,
        line: &[u8],
        goes_on: bool,
        take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
    ) -> io::Result<usize> {
        if goes_on && self.line_begins && line.len() < END_OF_DATA.len() {
            return Ok(0);
        }
        if self.line_begins && matches!(line, b"\\.\n" | b"\\." | END_OF_DATA) {
            self.data = false;
            take(Piece::EndOfData(line))?;
        } else {
            take(Piece::Data { bytes: line, line_ends: line.ends_with(b"\n") })?;
        }
        Ok(line.len())
    }

    /// Takes a line, or what can be told of its beginning; says how many bytes.
    fn line(
        &mut self,
        line: &[u8],
        goes_on: bool,
        take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
    ) -> io::Result<usize> {
        let mut at = 0;
        while at < line.len() {
            let rest = &line[at..];
            if goes_on && self.needs_more(rest, at == 0) {
                if rest.len() >= PIECE {
                    return Err(invalid("a command for psql, or the tag of a quotation, longer than 1 MiB"));
                }
                break;
            }
            if at == 0 && self.is_comment(rest) {
                take(Piece::Comment(line))?;
                self.state = if line.ends_with(b"\n") { State::Plain } else { State::LineComment };
                return Ok(line.len());
            }
            if self.state == State::Plain && rest[0] == b'\\' {
                let in_statement = self.begun;
                self.leave_statement(rest);
                take(Piece::Meta { line: rest, in_statement })?;
                return Ok(line.len());
            }
            let used = self.step(rest);
            // Blanks and comments between statements belong to nobody.
            if self.begun {
                self.pending.extend_from_slice(&rest[..used]);
            }
            at += used;
            if self.begun && self.state == State::Plain && self.is_over(line[at - 1]) {
                self.end_statement(take)?;
            }
        }
        if !goes_on {
            self.end_line()?;
        }
        if self.pending.len() >= PIECE {
            let begins = !self.continued;
            take(Piece::Statement { bytes: &self.pending, begins, ends: false })?;
            self.continued = true;
            self.pending.clear();
        }
        Ok(at)
    }

    /// Whether a line that goes on has to be longer before it can be told what begins here.
    fn needs_more(&self, rest: &[u8], line_begins: bool) -> bool {
        match (&self.state, rest[0]) {
            (State::Plain, b'\\') => true,
            (State::Plain, b'-' | b'/') if rest.len() < 2 => true,
            (State::Plain, b'-') => line_begins && rest.len() < PIECE && self.is_comment(rest),
            (State::Plain, b'$') => self.word.is_empty() && may_become_tag(rest),
            (State::Text(_), b'\'' | b'\\') | (State::BlockComment(_), b'/' | b'*') => rest.len() < 2,
            (State::Dollar(tag), b'$') => rest.len() < tag.len() && tag.starts_with(rest),
            _ => false,
        }
    }

    /// Whether a line that begins so is a comment outside of statements.
    fn is_comment(&self, line: &[u8]) -> bool {
        self.line_begins && !self.begun && self.state == State::Plain && line.starts_with(b"--")
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.data = std::mem::take(&mut self.data_follows);
        match self.data && self.begun {
            true => Err(invalid("a COPY whose data follows on a line with other statements")),
            false => Ok(()),
        }
    }

    /// `\g` and its like send what stands before them, and of a COPY the data follows. After any other command psql
    /// would go on with the statement; nobody runs it, and what follows is read as the next one.
    fn leave_statement(&mut self, command: &[u8]) {
        if self.begun {
            self.data = command.starts_with(b"\\g") && !self.continued && takes_data(&self.pending);
            *self = Self { data: self.data, ..Self::new() };
        }
    }

    const fn is_over(&self, last: u8) -> bool {
        last == b';' && self.parentheses == 0 && self.bodies == 0
    }

    fn end_statement(&mut self, take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>) -> io::Result<()> {
        self.data_follows = !self.continued && takes_data(&self.pending);
        take(Piece::Statement { bytes: &self.pending, begins: !self.continued, ends: true })?;
        self.pending.clear();
        self.words.clear();
        self.word.clear();
        self.begun = false;
        self.continued = false;
        Ok(())
    }

    /// Takes the next byte, or the few that belong together; says how many.
    fn step(&mut self, rest: &[u8]) -> usize {
        let byte = rest[0];
        match &mut self.state {
            State::Plain => return self.plain(rest),
            State::Text(escaping) => match byte {
                b'\\' if *escaping => return rest.len().min(2),
                b'\'' if rest.get(1) == Some(&b'\'') => return 2,
                b'\'' => {
                    self.after_escaping = escaping.then_some(false);
                    self.state = State::Plain;
                }
                _ => {}
            },
            State::Name => {
                if byte == b'"' {
                    self.state = State::Plain;
                }
            }
            State::Dollar(tag) => {
                if byte == b'$' && rest.starts_with(tag) {
                    let length = tag.len();
                    self.state = State::Plain;
                    return length;
                }
            }
            State::LineComment => {
                if byte == b'\n' {
                    self.after_escaping = self.after_escaping.map(|_| true);
                    self.state = State::Plain;
                }
            }
            State::BlockComment(depth) => {
                if rest.starts_with(b"/*") {
                    *depth += 1;
                    return 2;
                }
                if rest.starts_with(b"*/") {
                    *depth -= 1;
                    if *depth == 0 {
                        self.state = State::Plain;
                    }
                    return 2;
                }
            }
        }
        1
    }

    fn plain(&mut self, rest: &[u8]) -> usize {
        let byte = rest[0];
        if is_word(byte) && !(byte == b'$' && self.word.is_empty()) {
            self.begun = true;
            self.after_escaping = None;
            self.word.push(byte);
            return 1;
        }
        let word = std::mem::take(&mut self.word);
        self.end_word(&word);
        if byte.is_ascii_whitespace() || byte == 0x0b {
            if byte == b'\n' {
                self.after_escaping = self.after_escaping.map(|_| true);
            }
            return 1;
        }
        if rest.starts_with(b"--") {
            self.state = State::LineComment;
            return 2;
        }
        if rest.starts_with(b"/*") {
            self.after_escaping = None;
            self.state = State::BlockComment(1);
            return 2;
        }
        self.begun = true;
        let continues = self.after_escaping.take() == Some(true);
        match byte {
            b'\'' => self.state = State::Text(continues || word.eq_ignore_ascii_case(b"e")),
            b'"' => self.state = State::Name,
            b'(' => self.parentheses += 1,
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            b'$' => {
                if let Some(tag) = dollar_tag(rest) {
                    let length = tag.len();
                    self.state = State::Dollar(tag.to_owned());
                    return length;
                }
            }
            _ => {}
        }
        1
    }

    /// psql's rule for bodies of SQL functions: `BEGIN` and `CASE` open, `END` closes, in a CREATE FUNCTION or
    /// PROCEDURE outside of parentheses.
    fn end_word(&mut self, word: &[u8]) {
        if word.is_empty() || word.len() > 16 {
            return;
        }
        let word = String::from_utf8_lossy(word).to_ascii_lowercase();
        if self.words.len() < 4 {
            self.words.push(word.clone());
        }
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        let routine = matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure", ..]
        );
        if !routine || self.parentheses > 0 {
            return;
        }
        match word.as_str() {
            "begin" => self.bodies += 1,
            "case" if self.bodies > 0 => self.bodies += 1,
            "end" => self.bodies = self.bodies.saturating_sub(1),
            _ => {}
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Whether the bytes, of which the first is a `$`, are a `$tag$` but for their end.
fn may_become_tag(rest: &[u8]) -> bool {
    let name = &rest[1..];
    name.first().is_none_or(|byte| !byte.is_ascii_digit())
        && name.iter().all(|&byte| is_word(byte) && byte != b'$')
}

/// `$tag$`, where the bytes begin with one.
fn dollar_tag(rest: &[u8]) -> Option<&[u8]> {
    let end = rest[1..].iter().position(|&byte| byte == b'$')? + 1;
    let name = &rest[1..end];
    let starts_well = name.first().is_none_or(|byte| !byte.is_ascii_digit());
    (starts_well && name.iter().all(|&byte| is_word(byte))).then(|| &rest[..=end])
}

/// Whether this is `COPY … FROM stdin …`.
fn takes_data(statement: &[u8]) -> bool {
    let words = tokens(statement);
    words.first() == Some(&Token::word("copy"))
        && words.windows(2).any(|pair| pair == [Token::word("from"), Token::word("stdin")])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(script: &str) -> (Vec<String>, End) {
        let mut seen = Vec::new();
        let end = read(script.as_bytes(), &mut |piece| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
            seen.push(match piece {
                Piece::Statement { bytes, .. } => format!("S {}", text(bytes)),
                Piece::Data { bytes, .. } => format!("D {}", text(bytes)),
                Piece::EndOfData(_) => "E".to_owned(),
                Piece::Meta { line, .. } => format!("M {}", text(line)),
                Piece::Comment(_) => return Ok(()),
            });
            Ok(())
        })
        .unwrap();
        (seen, end)
    }

    #[test]
    fn quotes_comments_and_bodies_hide_semicolons_and_backslashes() {
        for statement in [
            "SELECT 'it''s; \\! fine';",
            "SELECT E'it\\'s; \\\\ fine';",
            "SELECT E'a'\n'b\\'; c';",
            "SELECT E'a' -- x\n'b\\'; c';",
            "SELECT E'a' /* x\n*/ 'b\\';",
            "SELECT note'\\';",
            "CREATE TABLE \"a;b\\c\" (x int);",
            "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; \\! $$ LANGUAGE sql;",
            "CREATE FUNCTION f() AS $_$ a; $$ b; $_$;",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;",
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC; END;",
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
            "SELECT 1 /* ; /* \\! */ ; */ + 1;",
            "SELECT 1 -- ; \\!\n + 2;",
            "SELECT a$b FROM t WHERE x = $1;",
        ] {
            let (seen, end) = cut(&format!("{statement}\n"));
            assert_eq!(seen, [format!("S {statement}")], "{statement}");
            assert_eq!(end, End::Whole, "{statement}");
        }
    }

    #[test]
    fn data_is_no_command_and_commands_are_told() {
        let (seen, end) = cut(
            "-- comment\nCOPY public.t (a) FROM stdin;\n\\N\n\\! touch x\nx;y'\n\\.\n\nSELECT 1; SELECT 2;\n\\! id\n",
        );
        let wanted = [
            "S COPY public.t (a) FROM stdin;",
            "D \\N",
            "D \\! touch x",
            "D x;y'",
            "E",
            "S SELECT 1;",
            "S SELECT 2;",
            "M \\! id",
        ];
        assert_eq!(seen, wanted);
        assert_eq!(end, End::Whole);
        assert_eq!(cut("SELECT 1 \\gexec\n").0, ["M \\gexec"]);
        for (statement, after) in [
            ("SELECT 1 \\g |id", "SELECT 2;"),
            ("SELECT (1 \\! id", "SELECT 2;"),
            ("CREATE FUNCTION f() BEGIN ATOMIC \\! id", "SELECT 2;"),
        ] {
            let (seen, end) = cut(&format!("{statement}\n{after}\n"));
            assert_eq!((seen.last().unwrap().as_str(), end), ("S SELECT 2;", End::Whole), "{statement}");
        }
        let (seen, end) = cut("COPY t FROM stdin \\g |id\n1\n\\.\nSELECT 2;\n");
        assert_eq!(
            (seen, end),
            (vec!["M \\g |id".into(), "D 1".into(), "E".into(), "S SELECT 2;".into()], End::Whole)
        );
    }

    #[test]
    fn a_cut_is_told() {
        assert_eq!(cut("COPY t FROM stdin;\n1\n").1, End::InData);
        assert_eq!(cut("INSERT INTO t VALUES (1").1, End::InStatement);
        assert_eq!(cut("SELECT 'a").1, End::InStatement);
        assert_eq!(cut("SELECT 1;\n/* open").1, End::InStatement);
    }

    #[test]
    fn a_long_statement_comes_in_parts_that_make_it_whole() {
        let long = |text: &str| text.repeat(2 * PIECE / text.len() + 3);
        for statement in [
            format!("INSERT INTO t VALUES ('{}\n{}');", "x".repeat(3 * PIECE), "'';".repeat(PIECE)),
            format!("INSERT INTO t VALUES ('{}');", long("''; ")),
            format!("INSERT INTO t VALUES (E'{}');", long("\\'; ")),
            format!("SELECT /* {} */ 1;", long("/* ; */")),
            format!("CREATE FUNCTION f() AS $body${}$body$;", long("; $ $bod $body;")),
            format!("CREATE FUNCTION f() AS $body${}\n$body$;", long("; $ $bod\n")),
            format!(
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n{}END;",
                long("SELECT CASE WHEN true THEN 1 END;\n")
            ),
        ] {
            let (mut bytes, mut begins, mut ends) = (Vec::new(), 0, 0);
            let end = read(format!("{statement}\nSELECT 1;\n").as_bytes(), &mut |piece| {
                if let Piece::Statement { bytes: part, begins: first, ends: last } = piece {
                    bytes.extend_from_slice(part);
                    begins += u32::from(first);
                    ends += u32::from(last);
                }
                Ok(())
            });
            let told = &statement[..40];
            assert_eq!((end.unwrap(), begins, ends), (End::Whole, 2, 2), "{told}");
            assert!(bytes == format!("{statement}SELECT 1;").as_bytes(), "{told}");
        }
    }

    #[test]
    fn a_comment_of_any_length_hides_no_statement() {
        for comment in [format!("/*{}*/", "x\n".repeat(PIECE)), format!("--{}\n", "x".repeat(3 * PIECE))] {
            assert_eq!(
                cut(&format!("{comment} DROP TABLE t;\n")),
                (vec!["S DROP TABLE t;".into()], End::Whole)
            );
        }
    }

    #[test]
    fn a_command_or_tag_without_end_is_refused() {
        for line in [format!("\\connect {}", "x".repeat(3 * PIECE)), format!("${}", "x".repeat(3 * PIECE))] {
            let read = read(line.as_bytes(), &mut |_| Ok(()));
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData, "{}", &line[..9]);
        }
    }

    /// Kinds and bytes of the pieces, those that belong together in one.
    type Said = Vec<(char, Vec<u8>)>;

    /// All that is said of a script, read so many bytes at a time.
    fn cut_by(at_once: usize, script: &str) -> Result<(Said, End), io::ErrorKind> {
        let mut seen = Said::new();
        let mut open = None;
        let end = read_by(at_once, script.as_bytes(), &mut |piece| {
            let (kind, bytes, ends) = match piece {
                Piece::Statement { bytes, ends, .. } => ('S', bytes, ends),
                Piece::Data { bytes, line_ends } => ('D', bytes, line_ends),
                Piece::EndOfData(bytes) => ('E', bytes, true),
                Piece::Meta { line, in_statement } => (if in_statement { 'm' } else { 'M' }, line, true),
                Piece::Comment(line) => ('C', line, true),
            };
            match seen.last_mut().filter(|_| open == Some(kind)) {
                Some((_, known)) => known.extend_from_slice(bytes),
                None => seen.push((kind, bytes.to_vec())),
            }
            open = (!ends).then_some(kind);
            Ok(())
        });
        end.map(|end| (seen, end)).map_err(|error| error.kind())
    }

    /// Whatever the lexis is made of, so that most of it is cut apart somewhere.
    fn scripts() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "'",
            "''",
            "E'",
            "\\",
            "\\'",
            "\"",
            "--",
            "-",
            "/*",
            "*/",
            "/",
            "*",
            "$",
            "$$",
            "$a$",
            "$ab$",
            "$1",
            "a$",
            ";",
            "(",
            ")",
            "\n",
            "\r\n",
            " ",
            "x",
            "COPY t FROM stdin;\n",
            "COPY t FROM stdin;",
            "\\.\n",
            "\\.\r\n",
            "\\.",
            "\\g",
            "CREATE FUNCTION f() BEGIN ATOMIC ",
            "END",
            "CASE ",
        ]);
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn however_a_script_is_cut_into_pieces_it_says_the_same(script in scripts(), at_once in 1_usize..24) {
            prop_assert_eq!(cut_by(at_once, &script), cut_by(PIECE, &script));
        }
    }
}
