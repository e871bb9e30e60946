//! Man pages and completions are those of the programs' arguments: made here, compared with the kept ones.
//!
//! A page of section 1 joins what the arguments say (name, synopsis, options, subcommands) with
//! what a person wrote in `man/src/TOOL.man`: EXAMPLES stands before the description, SYNOPSIS and DESCRIPTION
//! replace the generated ones, all other sections follow the options. Pages of other sections are written whole.
//! `UPDATE=1 cargo test man` rewrites.

use clap_complete::Shell;
use clap_mangen::Man;
use pipewatch::cli::{Tool, tools};

use crate::programs::{fresh, in_process, project, skip};

#[test]
fn man_pages_and_completions_are_fresh() {
    let mut stale = Vec::new();
    for tool in tools() {
        let name = tool.name;
        stale.extend(fresh(&project().join(format!("man/{name}.1")), &page(tool)).err());
        for (shell, path) in [
            (Shell::Bash, format!("completions/bash/{name}")),
            (Shell::Zsh, format!("completions/zsh/_{name}")),
            (Shell::Fish, format!("completions/fish/{name}.fish")),
        ] {
            stale.extend(fresh(&project().join(path), &completion(tool, shell)).err());
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

fn completion(tool: &Tool, shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut whole((tool.command)()), tool.name, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A command with the options that its help leaves out, as they are seldom typed; of each command below it, too.
fn whole(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| if arg.get_long().is_some() { arg.hide(false) } else { arg });
    command.mut_subcommands(whole)
}

/// A page of section 1.
fn page(tool: &Tool) -> String {
    let written = std::fs::read_to_string(project().join(format!("man/src/{}.man", tool.name))).unwrap_or_default();
    let written = sections(&written);
    let section = |name: &str| written.iter().find(|(title, _)| title == name).map(|(_, text)| text.clone());
    let mut command = whole((tool.command)()).disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    let mut out = format!(".TH {} 1 \"\" \"pipewatch {}\" pipewatch\n", tool.name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    // How an apostrophe is written so that it can be copied from every formatter.
    out.push_str(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n");
    out.push_str(&rendered(|w| man.render_name_section(w)));
    out.push_str(&section("SYNOPSIS").unwrap_or_else(|| synopsis(&mut command.clone())));
    out.push_str(&section("EXAMPLES").unwrap_or_default());
    out.push_str(&section("DESCRIPTION").unwrap_or_else(|| rendered(|w| man.render_description_section(w))));
    out.push_str(&rendered(|w| man.render_options_section(w)));
    for subcommand in command.get_subcommands() {
        out.push_str(&subcommand_page(tool.name, subcommand));
    }
    for (title, text) in &written {
        if !["SYNOPSIS", "EXAMPLES", "DESCRIPTION"].contains(&title.as_str()) {
            out.push_str(text);
        }
    }
    out
}

/// A subcommand as a section of its tool's page: what it is for, how it is called, its options.
fn subcommand_page(path: &str, command: &clap::Command) -> String {
    let path = format!("{path} {}", command.get_name());
    let without_help = command.clone().mut_args(|arg| if arg.get_id() == "help" { arg.hide(true) } else { arg });
    let man = Man::new(without_help);
    // The generator's own titles are left out, as the section has one.
    let body = |text: String| text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    let about = body(rendered(|w| man.render_description_section(w)));
    let options = body(rendered(|w| man.render_options_section(w)));
    let title = path.to_uppercase().replace('-', "\\-");
    let [before, after] = [command.get_before_help(), command.get_after_help()].map(|text| as_typed(text.map(|text| text.to_string())));
    let inner: String = command.get_subcommands().map(|inner| subcommand_page(&path, inner)).collect();
    format!(".SH \"{title}\"\n{about}{before}{options}{after}{inner}")
}

/// What help shows before or after the options, line by line as it is there.
fn as_typed(text: Option<String>) -> String {
    let Some(text) = text else { return String::new() };
    let escaped = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('`', "\\(ga")
        .replace('~', "\\(ti")
        .replace('^', "\\(ha");
    // A line must not begin with what a formatter takes for a request.
    let lines = escaped.lines().map(|line| format!("{}{}\n", if line.starts_with(['.', '\'']) { "\\&" } else { "" }, ascii(line)));
    format!(".PP\n.EX\n{}.EE\n", lines.collect::<String>())
}

/// Text with all that is not ASCII escaped.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) }).collect()
}

fn synopsis(command: &mut clap::Command) -> String {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim().replace('-', "\\-");
    format!(".SH SYNOPSIS\n{}\n", usage.lines().map(str::trim).collect::<Vec<_>>().join("\n.br\n"))
}

/// What the generator writes, in ASCII and without the lines that it repeats in every section.
fn rendered(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "));
    lines.map(|line| ascii(line.trim_end()) + "\n").collect()
}

/// The sections of written text: their titles, and their text with the title's line.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix(".SH ") {
            sections.push((title.trim_matches('"').to_owned(), String::new()));
        }
        if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    sections
}

#[test]
fn every_page_says_how_it_is_used_how_it_ends_and_where_to_read_on() {
    for tool in tools() {
        let page = page(tool);
        for title in ["EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            assert!(page.contains(&format!(".SH {title}\n")) || page.contains(&format!(".SH \"{title}\"\n")), "{}: no {title}", tool.name);
        }
    }
}

/// The arguments that name a command and each of those below it.
fn commands(path: &[&str], command: &clap::Command, out: &mut Vec<Vec<String>>) {
    out.push(path.iter().map(|name| (*name).to_owned()).collect());
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        commands(&[path, &[inner.get_name()]].concat(), inner, out);
    }
}

#[test]
fn help_of_every_program_fits_a_screen_and_begins_with_what_to_type() {
    let (mut long, mut without_examples) = (Vec::new(), Vec::new());
    for tool in tools() {
        let mut all = Vec::new();
        commands(&[], &(tool.command)(), &mut all);
        for path in &all {
            let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
            // Where there is no terminal, lines are as long as on one of 100 columns.
            let (code, help, told) = in_process(tool, &arguments, "");
            assert_eq!((code, told.as_str()), (0, ""), "{} {arguments:?}", tool.name);
            let name = format!("{} {}", tool.name, path.join(" "));
            long.extend((help.lines().count() > 50).then(|| format!("{name}: {} lines", help.lines().count())));
            without_examples.extend((!help.lines().take(3).any(|line| line.starts_with("Example"))).then_some(name));
        }
    }
    assert!(long.is_empty(), "more than 50 lines: {}", long.join(", "));
    // These name the commands that have some.
    assert_eq!(without_examples, ["check export", "check import"]);
}

#[test]
fn man_pages_have_no_warnings() {
    let found = std::process::Command::new("mandoc").arg("-V").output();
    if found.is_err() {
        return skip("man_pages_have_no_warnings", "mandoc is not installed");
    }
    let pages = std::fs::read_dir(project().join("man")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for page in pages {
        let output = std::process::Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&page).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Generated pages carry no date on purpose: they would be stale every day.
        let told: Vec<&str> = text.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}
