//! The floors of the library: a module imports from lower floors only, and only `cli` reads the clock.
//!
//! Reads every path that begins with `crate`, `self` or `super` in `src`: in `use` trees, in
//! expressions and types, in tests and macros alike. A path is resolved against the module it
//! stands in, so that `super::super::rule` is seen for what it is.

use std::collections::BTreeMap;
use std::path::Path;

/// The floor of each module; `bin` and the crate's root stand above all.
const FLOORS: [(&str, u32); 19] = [
    ("text", 1),
    ("time", 1),
    ("math", 1),
    ("record", 2),
    ("calendar", 2),
    ("settings", 2),
    ("ndjson", 3),
    ("wire", 3),
    ("window", 3),
    ("alert", 3),
    ("heartbeat", 3),
    ("postmortem", 3),
    ("chart", 3),
    ("rule", 4),
    ("store", 4),
    ("net", 4),
    ("source", 5),
    ("sink", 5),
    ("channel", 5),
];

/// The modules on floor 5 move records; what is judged or told is not theirs to know.
const FORBIDDEN: [(&str, &[&str]); 3] = [("source", &["rule", "alert"]), ("sink", &["rule", "alert"]), ("channel", &["rule", "alert"])];

/// What stands beside `record` and may use it: names are checked and shown in one way everywhere.
const BESIDE_RECORD: [&str; 2] = ["calendar", "settings"];

/// The modules of `cli` that every tool may use; all others there are tools, which stay apart.
const SHARED: [&str; 9] = ["alive", "args", "beats", "child", "failure", "input", "io", "output", "rejects"];

/// Calls that read the clock.
const CLOCKS: [&str; 5] = ["SystemTime::now", "Instant::now", "UNIX_EPOCH.elapsed", "clock_gettime", "Utc::now"];

/// One word or sign of a source file, and the line it stands in.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// Cuts Rust into words and signs; comments, strings and characters are left out.
fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < text.len() {
        let begin = at;
        let next = |ahead: usize| text.get(begin + ahead).copied().unwrap_or('\0');
        match text[at] {
            '/' if next(1) == '/' => at += text[at..].iter().take_while(|c| **c != '\n').count(),
            '/' if next(1) == '*' => at = comment_end(&text, at),
            '"' => at = string_end(&text, at),
            'r' if next(1) == '"' || (next(1) == '#' && (next(2) == '#' || next(2) == '"')) => at = raw_string_end(&text, at + 1),
            'b' | 'c' if next(1) == '"' => at = string_end(&text, at + 1),
            'b' | 'c' if next(1) == 'r' && (next(2) == '"' || next(2) == '#') => at = raw_string_end(&text, at + 2),
            '\'' if next(1) == '\\' => at += 3 + text[at + 3..].iter().take_while(|c| **c != '\'').count() + 1,
            '\'' if next(2) == '\'' => at += 3,
            ':' if next(1) == ':' => {
                out.push(Token { text: "::".into(), line });
                at += 2;
            }
            c if is_word(c) => {
                at += text[at..].iter().take_while(|c| is_word(**c)).count();
                out.push(Token { text: text[begin..at].iter().collect(), line });
            }
            c => {
                at += 1;
                if !c.is_whitespace() {
                    out.push(Token { text: c.to_string(), line });
                }
            }
        }
        line += text[begin..at.min(text.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn comment_end(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_end(text: &[char], mut at: usize) -> usize {
    at += 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string_end(text: &[char], mut at: usize) -> usize {
    let hashes = text[at..].iter().take_while(|c| **c == '#').count();
    at += hashes + 1;
    while at < text.len() {
        if text[at] == '"' && text[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

/// A path into the crate, resolved from its root: `["record", "Tags"]`; and its line.
type Import = (Vec<String>, usize);

/// Every path into the crate in a file that is the module `home`.
fn imports(home: &[&str], tokens: &[Token]) -> Vec<Import> {
    let mut found = Vec::new();
    let mut module: Vec<String> = home.iter().map(|part| (*part).to_owned()).collect();
    let mut depth = 0;
    let mut opened: Vec<usize> = Vec::new(); // At which depths inline modules began.
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    for at in 0..tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if opened.last() == Some(&depth) {
                    opened.pop();
                    module.pop();
                }
            }
            "mod" if text(at + 2) == "{" => {
                opened.push(depth);
                module.push(text(at + 1).to_owned());
            }
            "crate" | "self" | "super" if text(at + 1) == "::" && (at == 0 || text(at - 1) != "::") => {
                let start = if text(at) == "crate" { Vec::new() } else { module.clone() };
                follow(tokens, at, start, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Follows one path or `use` tree from `at`, whose parts stand behind `prefix`; gives where it ends.
fn follow(tokens: &[Token], mut at: usize, mut prefix: Vec<String>, found: &mut Vec<Import>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    let line = tokens.get(at).map_or(0, |token| token.line);
    loop {
        match text(at) {
            "super" if prefix.pop().is_none() => prefix = vec!["super".into(), "super".into()],
            "{" => {
                at += 1;
                while text(at) != "}" && at < tokens.len() {
                    at = follow(tokens, at, prefix.clone(), found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "super" | "self" | "crate" => {}
            name => prefix.push(name.to_owned()),
        }
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    if text(at) == "as" {
        at += 2;
    }
    found.push((prefix, line));
    at
}

/// The module that a file of `src` is: `window/merge.rs` is `["window", "merge"]`.
fn module_of(path: &str) -> Vec<&str> {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem == "lib" { Vec::new() } else { stem.split('/').collect() }
}

fn floor(module: &str) -> Option<u32> {
    if module == "cli" { Some(6) } else { FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor) }
}

/// Why `home` may not use `path`; `None` when it may.
fn objection(home: &[&str], path: &[String], modules: &[&str]) -> Option<String> {
    let from = *home.first()?;
    let to = path.first()?.as_str();
    if to == "super" {
        return Some("leaves the crate by `super`".into());
    }
    if from == "cli" && to == "cli" {
        return cli_objection(home, path, modules);
    }
    if from == to || !modules.contains(&to) || (to == "record" && BESIDE_RECORD.contains(&from)) {
        return None;
    }
    let Some(to_floor) = floor(to) else { return Some(format!("`{to}` has no floor: place it in the table")) };
    let from_floor = floor(from)?;
    if FORBIDDEN.iter().any(|(name, names)| *name == from && names.contains(&to)) {
        return Some(format!("`{from}` may not know `{to}`"));
    }
    match to_floor.cmp(&from_floor) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(format!("sideways: `{from}` and `{to}` both stand on floor {to_floor}")),
        std::cmp::Ordering::Greater => Some(format!("upward: `{from}` (floor {from_floor}) uses `{to}` (floor {to_floor})")),
    }
}

/// Tools know the shared modules of `cli`, and no other tool; shared modules know no tool.
fn cli_objection(home: &[&str], path: &[String], modules: &[&str]) -> Option<String> {
    let from = *home.get(1)?;
    let to = path.get(1)?.as_str();
    let is_tool = modules.contains(&format!("cli/{to}").as_str()) && !SHARED.contains(&to);
    (is_tool && from != to).then(|| format!("`cli/{from}` uses the tool `cli/{to}`"))
}

/// Everything that is wrong with these files of `src`, each as `path:line: what`.
fn mistakes(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut modules: Vec<&str> = Vec::new();
    for path in files.keys().filter(|path| !path.starts_with("bin/")) {
        let module = module_of(path);
        modules.extend(module.first());
        if let ["cli", ..] = module.as_slice() {
            let tool = path.split('/').take(2).map(str::len).sum::<usize>() + 1;
            modules.push(path[..tool.min(path.len())].trim_end_matches(".rs"));
        }
    }
    let mut found = Vec::new();
    for (path, source) in files {
        let tokens = tokens(source);
        if path.starts_with("bin/") {
            let lines = source.lines().count();
            if lines > 12 {
                found.push(format!("{path}:{lines}: a binary has 12 lines at most, this has {lines}"));
            }
            continue;
        }
        let home = module_of(path);
        if let Some(module) = home.first()
            && floor(module).is_none()
        {
            found.push(format!("{path}:1: `{module}` has no floor: place it in the table"));
        }
        for (import, line) in imports(&home, &tokens) {
            found.extend(objection(&home, &import, &modules).map(|why| format!("{path}:{line}: {why}")));
        }
        found.extend(back_doors(path, &tokens));
        found.extend(placed_elsewhere(path, source));
        if home.first() != Some(&"cli") {
            found.extend(clock_reads(path, &tokens));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Modules whose file lies in another folder; beside its parent a module of tests may lie.
fn placed_elsewhere(path: &str, source: &str) -> Vec<String> {
    let elsewhere = |line: &str| line.trim_start().strip_prefix("#[path").is_some_and(|rest| rest.split(']').next().unwrap().contains('/'));
    let lines = source.lines().enumerate().filter(|(_, line)| elsewhere(line));
    lines.map(|(at, _)| format!("{path}:{}: a module lies in its parent's folder", at + 1)).collect()
}

/// Ways around the table: the crate by its own name, and code included as text.
fn back_doors(path: &str, tokens: &[Token]) -> Vec<String> {
    let words = |at: usize, texts: &[&str]| texts.iter().enumerate().all(|(n, text)| tokens.get(at + n).is_some_and(|t| t.text == *text));
    let wrong = |at: usize| {
        let by_name = words(at, &["pipewatch", "::"]) || words(at, &["extern", "crate", "self"]);
        let by_text = words(at, &["include", "!"]);
        if by_name { Some("the library names itself `crate`") } else { by_text.then_some("code is not included as text") }
    };
    (0..tokens.len()).filter_map(|at| wrong(at).map(|why| format!("{path}:{}: {why}", tokens[at].line))).collect()
}

fn clock_reads(path: &str, tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let ahead: String = tokens[at..].iter().take(3).map(|token| token.text.as_str()).collect();
        if let Some(clock) = CLOCKS.iter().find(|clock| ahead == **clock || token.text == **clock) {
            found.push(format!("{path}:{}: only `cli` reads the clock, found `{clock}`", token.line));
        }
    }
    found
}

fn read_sources(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read_sources(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn modules_import_from_lower_floors_only() {
    let mut files = BTreeMap::new();
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 20, "the sources were found");
    let found = mistakes(&files);
    assert!(found.is_empty(), "the table of floors is broken:\n{}\n", found.join("\n"));
}

/// The mistakes in one file, in a crate that has a file for every module named in the table.
fn mistakes_in(path: &str, source: &str) -> Vec<String> {
    let mut files: BTreeMap<String, String> = FLOORS.iter().map(|(name, _)| (format!("{name}/mod.rs"), String::new())).collect();
    for name in SHARED.iter().chain(&["check", "rollup"]) {
        files.insert(format!("cli/{name}.rs"), String::new());
    }
    files.insert(path.into(), source.into());
    mistakes(&files)
}

#[test]
fn a_broken_floor_is_found_however_it_is_written() {
    let cases = [
        ("time/mod.rs", "use crate::record::Tags;", "upward: `time` (floor 1) uses `record` (floor 2)"),
        ("math/mod.rs", "use crate::time::Span;", "sideways: `math` and `time`"),
        ("window/merge.rs", "use crate::{math::Sketch, ndjson::Lines};", "sideways: `window` and `ndjson`"),
        ("window/merge.rs", "use crate::{math::{Sketch, Moments as M}, record::*, rule};", "upward: `window` (floor 3) uses `rule`"),
        ("window/merge.rs", "use super::super::wire;", "sideways: `window` and `wire`"),
        ("window/merge.rs", "mod tests { use super::super::super::store; }", "upward: `window` (floor 3) uses `store`"),
        ("window/mod.rs", "mod a { mod b {} } fn f() { super::store::x() }", "upward: `window` (floor 3) uses `store`"),
        ("window/mod.rs", "fn f() -> crate::store::Range { todo() }", "upward: `window` (floor 3) uses `store`"),
        ("window/mod.rs", "macro_rules! m { () => { $crate::net::x() } }", "upward: `window` (floor 3) uses `net`"),
        ("rule/mod.rs", "pub use crate::store::Range;", "sideways: `rule` and `store`"),
        ("source/host.rs", "use crate::rule::Condition;", "`source` may not know `rule`"),
        ("sink/mod.rs", "use crate::source::host;", "sideways: `sink` and `source`"),
        ("net/mod.rs", "use crate::cli::Io;", "upward: `net` (floor 4) uses `cli`"),
        ("window/mod.rs", "use super::super::super::etc;", "leaves the crate"),
        ("cli/check.rs", "use super::rollup::TOOL;", "`cli/check` uses the tool `cli/rollup`"),
        ("cli/check/plan.rs", "use crate::cli::{Io, rollup};", "`cli/check` uses the tool `cli/rollup`"),
        ("cli/io.rs", "use super::check::TOOL;", "`cli/io` uses the tool `cli/check`"),
        ("helpers.rs", "", "`helpers` has no floor"),
        ("rule/mod.rs", "let now = std::time::Instant::now();", "only `cli` reads the clock"),
        ("rule/mod.rs", "use std::time::SystemTime; fn f() { SystemTime :: now() }", "only `cli` reads the clock"),
        ("record/mod.rs", "extern crate self as me;", "names itself `crate`"),
        ("record/mod.rs", "#[path = \"../rule/mod.rs\"] mod x;", "in its parent's folder"),
        ("bin/check.rs", &"\n".repeat(13), "12 lines at most"),
    ];
    for (path, source, expected) in cases {
        let found = mistakes_in(path, source);
        assert_eq!(found.len(), 1, "{path} with {source:?}: {found:?}");
        assert!(found[0].contains(expected) && found[0].starts_with(path), "{path}: {found:?}, not {expected}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    let cases = [
        ("window/mod.rs", "use crate::math::Sketch; use crate::record::{self, Tags}; use crate::time::Span;"),
        ("window/merge.rs", "use super::Window; use self::inner::X; mod tests { use super::*; use super::super::Window; }"),
        ("time/mod.rs", "// use crate::record;\n/* crate::cli /* nested */ crate::cli */\n/// [`crate::record`]\n"),
        (
            "time/mod.rs",
            "let a = \"crate::record\"; let b = r#\"crate::\"record\"#; let c = b\"crate::cli\"; let d = '\"'; let e = '\\''; let f = 'x';",
        ),
        ("time/mod.rs", "fn f<'a>(x: &'a str) -> impl Fn() + 'a { crate::time::g(x) }"),
        (
            "cli/check.rs",
            "use super::{Io, Failure, args}; use crate::cli::output::Output; use crate::rule; fn f() { std::time::Instant::now(); }",
        ),
        ("cli/check/plan.rs", "use super::Plan; use super::super::input; use crate::cli::check::x;"),
        ("cli/mod.rs", "pub use check::TOOL; fn f() { crate::cli::rollup::TOOL; }"),
        ("source/statsd.rs", "use crate::{net, ndjson, record::Record, store, wire};"),
        ("lib.rs", "pub mod cli; pub mod time; pub use crate::cli::main;"),
    ];
    for (path, source) in cases {
        assert_eq!(mistakes_in(path, source), Vec::<String>::new(), "{path} with {source:?}");
    }
}

#[test]
fn a_mistake_names_its_line() {
    assert!(mistakes_in("time/mod.rs", "\n/* two\nlines */ \"a\nb\"\nuse crate::\n    cli::Io;")[0].starts_with("time/mod.rs:5: "));
}
