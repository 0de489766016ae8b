//! Views and expected answers as text: one column per line, with the names of the contract.
//!
//! ```text
//! samara-case 1
//! # The receiver with the fewest inbound transfers.
//! hook offers
//! me.free-slots 1
//! peers.id 11 12 13
//! peers.inbound 2 0*2
//! unavailable.words 1
//! unavailable.bits 1 2 ff
//! expect.peer 1
//! ```
//!
//! Numbers are decimal, bits are hexadecimal words; `V*N` is N times V. Columns that are not named are zero in
//! every row. `more.ID` adds a column of a later version. Of the answer only the columns are compared that
//! the case names; `expect.nothing` alone means an answer without any decision.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write;

use super::fields::{Field, fields};
use crate::{Answer, Column, Hook, OverdueAction, Question, Times};

/// The first line of the format.
const HEADER: &str = "samara-case 1";
/// Most rows of any column, so that `0*9999999999` is an error and not an allocation.
const MAX_ROWS: usize = 1 << 20;

/// A question and what is expected of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The question.
    pub question: Question,
    /// Columns of the answer that must be so.
    pub expected: Vec<Expected>,
}

/// One column of an expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name in the contract.
    pub column: String,
    /// Its values.
    pub values: Vec<u32>,
}

/// What is wrong with the text of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseError {
    /// Line, counted from 1; 0 for the text as a whole.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.why),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

impl core::error::Error for CaseError {}

struct Line<'a> {
    number: usize,
    name: &'a str,
    values: &'a str,
    used: bool,
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// When a line names no column of the view, a value is no number, or columns of one table differ in length.
    pub fn parse(text: &str) -> Result<Case, CaseError> {
        let mut lines = lines(text)?;
        let mut question = hook(&mut lines)?.empty_question();
        read_fields(&mut question, &mut lines)?;
        let expected = read_expected(&mut lines, &question)?;
        if let Some(line) = lines.iter().find(|line| !line.used) {
            let hook = Hook::of(&question).name();
            return Err(line.error(format!("`{}` is no column of `{hook}`", line.name)));
        }
        fill(&mut question)?;
        Ok(Case { question, expected })
    }

    /// Writes the case, leaving out what is zero.
    pub fn write(&self) -> String {
        let mut text = format!("{HEADER}\nhook {}\n", Hook::of(&self.question).name());
        fields(&mut self.question.clone(), &mut |name, field| write_field(&mut text, name, field));
        for Expected { column, values } in &self.expected {
            let _ = write!(text, "expect.{column}");
            write_values(&mut text, values.iter().map(ToString::to_string));
        }
        text
    }

    /// The first expected column that the answer does not have, and what it has instead; `None` when the
    /// answer is as expected.
    pub fn difference(&self, answer: &Answer) -> Option<(&Expected, Vec<u32>)> {
        let columns = columns_of(answer);
        self.expected.iter().find_map(|expected| {
            let found = columns.iter().find(|(name, _)| *name == expected.column);
            let has = match found {
                Some((_, has)) => has.clone(),
                // `nothing`: no column has a row.
                None => columns.iter().flat_map(|(_, values)| values.clone()).collect(),
            };
            (has != expected.values).then_some((expected, has))
        })
    }
}

impl Line<'_> {
    fn error(&self, why: impl Into<String>) -> CaseError {
        CaseError { line: self.number, why: why.into() }
    }

    /// The words, with `V*N` written out.
    fn words(&self) -> Result<Vec<&str>, CaseError> {
        let mut words = Vec::new();
        for word in self.values.split_whitespace() {
            let (word, times) = word.split_once('*').unwrap_or((word, "1"));
            let times: usize = times
                .parse()
                .ok()
                .filter(|times| words.len().saturating_add(*times) <= MAX_ROWS)
                .ok_or_else(|| self.error(format!("`{times}` is no sensible count")))?;
            words.extend(core::iter::repeat_n(word, times));
        }
        Ok(words)
    }

    fn numbers<T: core::str::FromStr>(&self) -> Result<Vec<T>, CaseError> {
        let number = |word: &str| {
            word.parse().map_err(|_| self.error(format!("`{word}` is no number of its column")))
        };
        self.words()?.into_iter().map(number).collect()
    }

    fn bits(&self) -> Result<Vec<u64>, CaseError> {
        let number = |word: &str| {
            u64::from_str_radix(word, 16)
                .map_err(|_| self.error(format!("`{word}` is no hexadecimal word")))
        };
        self.words()?.into_iter().map(number).collect()
    }

    fn flags(&self) -> Result<Vec<bool>, CaseError> {
        let flag = |number: u32| match number {
            0 | 1 => Ok(number == 1),
            _ => Err(self.error(format!("`{number}` is neither 0 nor 1"))),
        };
        self.numbers()?.into_iter().map(flag).collect()
    }

    fn one<T>(&self, mut values: Vec<T>) -> Result<T, CaseError> {
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(self.error(format!("`{}` takes one value", self.name))),
        }
    }
}

fn lines(text: &str) -> Result<Vec<Line<'_>>, CaseError> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    if lines.next().map(|(_, first)| first) != Some(HEADER) {
        return Err(CaseError { line: 1, why: format!("the first line is not `{HEADER}`") });
    }
    let content = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut read: Vec<Line<'_>> = Vec::new();
    for (number, line) in content {
        let (name, values) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let line = Line { number, name, values, used: false };
        if read.iter().any(|other| other.name == name) {
            return Err(line.error(format!("`{name}` is there twice")));
        }
        read.push(line);
    }
    Ok(read)
}

fn take<'a, 'b>(lines: &'a mut [Line<'b>], name: &str) -> Option<&'a Line<'b>> {
    let line = lines.iter_mut().find(|line| line.name == name)?;
    line.used = true;
    Some(line)
}

fn hook(lines: &mut [Line<'_>]) -> Result<Hook, CaseError> {
    let none = CaseError { line: 0, why: "there is no line `hook NAME`".to_owned() };
    let line = take(lines, "hook").ok_or(none)?;
    Hook::named(line.values.trim())
        .ok_or_else(|| line.error("the hooks are `neighbours`, `offers`, `requests` and `overdue`"))
}

fn read_fields(question: &mut Question, lines: &mut [Line<'_>]) -> Result<(), CaseError> {
    let mut failed = None;
    fields(question, &mut |name, field| {
        let result = match field {
            Field::More(columns) => read_more(columns, lines),
            field => take(lines, name).map_or(Ok(()), |line| read_field(field, line)),
        };
        failed = failed.take().or(result.err());
    });
    failed.map_or(Ok(()), Err)
}

fn read_field(field: Field<'_>, line: &Line<'_>) -> Result<(), CaseError> {
    match field {
        Field::Number64(value) => *value = line.one(line.numbers()?)?,
        Field::Number(value) => *value = line.one(line.numbers()?)?,
        Field::Flag(value) => *value = line.one(line.flags()?)?,
        Field::Times(times) => {
            let [p30_us, p50_us, p90_us, p99_us] = line.numbers::<u64>()?[..] else {
                return Err(line.error(format!("`{}` takes four values", line.name)));
            };
            *times = Times { p30_us, p50_us, p90_us, p99_us };
        }
        Field::Column64(values) => *values = line.numbers()?,
        Field::Column(values) => *values = line.numbers()?,
        Field::Flags(values) => *values = line.flags()?,
        Field::Bits(values) => *values = line.bits()?,
        Field::More(_) => {}
    }
    Ok(())
}

fn read_more(columns: &mut Vec<Column>, lines: &mut [Line<'_>]) -> Result<(), CaseError> {
    for line in lines {
        if let Some(id) = line.name.strip_prefix("more.") {
            let id = id.parse().map_err(|_| line.error(format!("`{id}` is no column id")))?;
            columns.push(Column { id, values: line.numbers()? });
            line.used = true;
        }
    }
    Ok(())
}

fn read_expected(lines: &mut [Line<'_>], question: &Question) -> Result<Vec<Expected>, CaseError> {
    let hook = Hook::of(question);
    let known = expected_names(hook);
    let mut expected = Vec::new();
    for line in lines {
        if let Some(column) = line.name.strip_prefix("expect.") {
            if !known.contains(&column) {
                let known = known.join("`, `");
                let why = format!("the columns of an answer to `{}` are `{known}`", hook.name());
                return Err(line.error(why));
            }
            expected.push(Expected { column: column.to_owned(), values: line.numbers()? });
            line.used = true;
        }
    }
    Ok(expected)
}

fn expected_names(hook: Hook) -> &'static [&'static str] {
    match hook {
        Hook::Neighbours => &["connect", "drop", "connect-reason", "drop-reason", "nothing"],
        Hook::Offers => &["peer", "push", "count", "reason", "chunks", "nothing"],
        Hook::Requests => &["peer", "chunk", "reason", "nothing"],
        Hook::Overdue => &["transfer", "action", "other", "reason", "nothing"],
    }
}

/// Gives every column of a table the length of its longest one.
fn fill(question: &mut Question) -> Result<(), CaseError> {
    let mut tables: Vec<(&'static str, usize)> = Vec::new();
    fields(question, &mut |name, field| {
        let rows = match &field {
            Field::Column64(values) => values.len(),
            Field::Column(values) => values.len(),
            Field::Flags(values) => values.len(),
            _ => 0,
        };
        if let Some(table) = table_of(name) {
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, longest)) => *longest = rows.max(*longest),
                None => tables.push((table, rows)),
            }
        }
    });
    let rows_of = |table| tables.iter().find(|(known, _)| *known == table).map_or(0, |one| one.1);
    let mut failed = None;
    fields(question, &mut |name, field| {
        let Some(rows) = table_of(name).map(rows_of) else { return };
        let filled = match field {
            Field::Column64(values) => fill_column(values, rows),
            Field::Column(values) => fill_column(values, rows),
            Field::Flags(values) => fill_column(values, rows),
            _ => true,
        };
        if !filled {
            let why =
                format!("`{name}` has another number of rows than its table, which has {rows}");
            failed = Some(CaseError { line: 0, why });
        }
    });
    fill_bits(question)?;
    failed.map_or(Ok(()), Err)
}

/// Gives bits that were left out the size that belongs, and checks the others.
fn fill_bits(question: &mut Question) -> Result<(), CaseError> {
    let (name, holdings, rows, columns) = match question {
        Question::Neighbours(_) => return Ok(()),
        Question::Offers(view) => {
            let size = (view.peers.id.len(), view.chunks.index.len());
            ("unavailable", &mut view.unavailable, size.0, size.1)
        }
        Question::Requests(view) => {
            let size = (view.peers.id.len(), view.chunks.index.len());
            ("available", &mut view.available, size.0, size.1)
        }
        Question::Overdue(view) => {
            let size = (view.inbound.chunk.len(), view.peers.id.len());
            ("alternatives", &mut view.alternatives, size.0, size.1)
        }
    };
    if holdings.bits.is_empty() && holdings.words == 0 {
        holdings.words = columns.div_ceil(64) as u32;
        holdings.bits = vec![0; rows * columns.div_ceil(64)];
    }
    let (has, words) = (holdings.bits.len(), holdings.words as usize);
    if words != columns.div_ceil(64) || has != rows * words {
        let why = format!(
            "`{name}` has {has} words, {words} a row, and {rows} rows of {} belong there",
            columns.div_ceil(64)
        );
        return Err(CaseError { line: 0, why });
    }
    Ok(())
}

/// The table whose number of rows the column has. Labels have several values per row.
fn table_of(name: &'static str) -> Option<&'static str> {
    let (table, column) = name.split_once('.')?;
    let is_table = matches!(table, "peers" | "chunks" | "inbound");
    (is_table && column != "labels").then_some(table)
}

fn fill_column<T: Clone + Default>(values: &mut Vec<T>, rows: usize) -> bool {
    if values.is_empty() {
        *values = vec![T::default(); rows];
    }
    values.len() == rows
}

fn write_field(text: &mut String, name: &str, field: Field<'_>) {
    let decimal = |value: &u64| value.to_string();
    match field {
        Field::Number64(value) => write_column(text, name, &[*value], decimal),
        Field::Number(value) => write_column(text, name, &[*value], ToString::to_string),
        Field::Flag(value) => write_column(text, name, &[u32::from(*value)], ToString::to_string),
        Field::Times(times) => {
            let all = [times.p30_us, times.p50_us, times.p90_us, times.p99_us];
            write_column(text, name, &all, decimal);
        }
        Field::Column64(values) => write_column(text, name, values, decimal),
        Field::Column(values) => write_column(text, name, values, ToString::to_string),
        Field::Flags(values) => {
            let numbers: Vec<u32> = values.iter().map(|flag| u32::from(*flag)).collect();
            write_column(text, name, &numbers, ToString::to_string);
        }
        Field::Bits(values) => write_column(text, name, values, |word| format!("{word:x}")),
        Field::More(columns) => {
            for column in columns {
                let _ = write!(text, "more.{}", column.id);
                write_values(text, column.values.iter().map(decimal));
            }
        }
    }
}

/// Nothing when all values are zero, except for columns from which a table has its length.
fn write_column<T: Default + PartialEq>(
    text: &mut String,
    name: &str,
    values: &[T],
    word: impl Fn(&T) -> String,
) {
    let lengths = ["peers.id", "chunks.index", "inbound.chunk"].contains(&name);
    let bits = name.ends_with(".bits") || name.ends_with("labels") || name == "me.parameters";
    let zero = values.iter().all(|value| *value == T::default());
    if values.is_empty() || (zero && !lengths && !bits) {
        return;
    }
    text.push_str(name);
    write_values(text, values.iter().map(word));
}

fn write_values(text: &mut String, words: impl Iterator<Item = String>) {
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut times = 1;
        while words.next_if_eq(&word).is_some() {
            times += 1;
        }
        let _ = if times == 1 { write!(text, " {word}") } else { write!(text, " {word}*{times}") };
    }
    text.push('\n');
}

/// An answer as the flat columns of the contract.
pub fn columns_of(answer: &Answer) -> Vec<(&'static str, Vec<u32>)> {
    match answer {
        Answer::Offers(answer) => {
            let column = |of: fn(&crate::Offer) -> u32| answer.offers.iter().map(of).collect();
            vec![
                ("peer", column(|offer| offer.peer)),
                ("push", column(|offer| offer.push.into())),
                ("count", column(|offer| offer.chunks.len() as u32)),
                ("reason", column(|offer| offer.reason)),
                ("chunks", answer.offers.iter().flat_map(|offer| offer.chunks.clone()).collect()),
            ]
        }
        Answer::Requests(answer) => {
            let column = |of: fn(&crate::Request) -> u32| answer.requests.iter().map(of).collect();
            vec![
                ("peer", column(|request| request.peer)),
                ("chunk", column(|request| request.chunk.unwrap_or(u32::MAX))),
                ("reason", column(|request| request.reason)),
            ]
        }
        Answer::Overdue(answer) => {
            let column =
                |of: fn(&crate::OverdueDecision) -> u32| answer.decisions.iter().map(of).collect();
            vec![
                ("transfer", column(|decision| decision.transfer)),
                (
                    "action",
                    column(|decision| match decision.action {
                        OverdueAction::Wait => 0,
                        OverdueAction::Duplicate(_) => 1,
                        OverdueAction::Cancel => 2,
                    }),
                ),
                (
                    "other",
                    column(|decision| match decision.action {
                        OverdueAction::Duplicate(other) => other,
                        _ => 0,
                    }),
                ),
                ("reason", column(|decision| decision.reason)),
            ]
        }
        Answer::Neighbours(answer) => {
            let column = |rows: &[crate::Connection], of: fn(&crate::Connection) -> u32| {
                rows.iter().map(of).collect()
            };
            vec![
                ("connect", column(&answer.connect, |one| one.peer)),
                ("drop", column(&answer.drop, |one| one.peer)),
                ("connect-reason", column(&answer.connect, |one| one.reason)),
                ("drop-reason", column(&answer.drop, |one| one.reason)),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random_question;

    #[test]
    fn every_question_comes_back_as_it_was_written() {
        for seed in 0..400 {
            for hook in Hook::ALL {
                let expected = vec![Expected { column: "reason".into(), values: vec![1, 1, 7] }];
                let expected = if hook == Hook::Neighbours { vec![] } else { expected };
                let case = Case { question: random_question(hook, seed), expected };
                assert_eq!(Case::parse(&case.write()), Ok(case), "{hook:?} of seed {seed}");
            }
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let check = |body: &str, why: &str| {
            let error = Case::parse(&format!("{HEADER}\n{body}")).expect_err("it is wrong");
            assert!(error.to_string().contains(why), "{body:?} gave {error}");
        };
        check("", "no line `hook NAME`");
        check("hook dance", "the hooks are");
        check("hook offers\npeers.speed 1", "line 3: `peers.speed` is no column of `offers`");
        check("hook offers\nme.zone 1 2", "takes one value");
        check("hook offers\nme.zone -1", "`-1` is no number");
        check("hook offers\nme.zone 1\nme.zone 2", "`me.zone` is there twice");
        check("hook offers\npeers.id 1 2\npeers.inbound 1", "`peers.inbound` has another number");
        check("hook offers\npeers.id 1*99999999999999999999", "no sensible count");
        check("hook offers\npeers.id 1*2000000", "no sensible count");
        check("hook offers\nunavailable.bits zz", "no hexadecimal word");
        check("hook offers\nexpect.chunk 1", "the columns of an answer to `offers` are");
        assert_eq!(Case::parse("").expect_err("empty").line, 1);
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let good = Case { question: random_question(Hook::Offers, 3), expected: vec![] }.write();
        let mut random = crate::Random::new(1);
        for _ in 0..2_000 {
            let mut bytes = good.clone().into_bytes();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len() as u32) as usize;
                bytes[at] = b" \n.*0z"[random.below(6) as usize];
            }
            if let Ok(case) = Case::parse(&String::from_utf8_lossy(&bytes)) {
                assert_eq!(Case::parse(&case.write()), Ok(case));
            }
        }
    }
}
