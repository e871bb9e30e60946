//! `scripts/install`: what it puts where, under which names, and that it takes all of it away again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use crate::programs::{built, names, project};

/// Runs the script with the programs that were built for the tests.
fn install(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(project().join("scripts/install"));
    command.args(arguments).env("BUILT", built()).env_remove("DESTDIR").env_remove("PROGRAM_PREFIX");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// The files below a folder, by their path in it.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn what_is_installed_can_be_run_read_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().to_str().unwrap();
    let output = install(&[prefix], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = files(folder.path());
    for name in names() {
        for file in [
            format!("bin/{name}"),
            format!("share/man/man1/{name}.1"),
            format!("share/bash-completion/completions/{name}"),
            format!("share/zsh/site-functions/_{name}"),
            format!("share/fish/vendor_completions.d/{name}.fish"),
        ] {
            assert!(found.contains(&file), "no {file} in {found:?}");
        }
        let version = Command::new(folder.path().join("bin").join(name)).arg("--version").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&version.stdout), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
    for page in ["man5/pipewatch-records.5", "man7/pipewatch-conditions.7", "man7/pipewatch.7"] {
        assert!(found.contains(&format!("share/man/{page}")), "no {page}");
    }
    assert!(install(&["--uninstall", prefix], &[]).status.success());
    assert_eq!(files(folder.path()), BTreeSet::new());
}

#[test]
fn a_program_prefix_renames_programs_pages_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let variables = [("PROGRAM_PREFIX", "pw-"), ("DESTDIR", root)];
    assert!(install(&["/usr"], &variables).status.success());
    let found = files(folder.path());
    let read = |path: String| std::fs::read_to_string(folder.path().join(&path)).unwrap_or_else(|_| panic!("no {path} in {found:?}"));
    for name in names() {
        assert!(found.contains(&format!("usr/bin/pw-{name}")) && !found.contains(&format!("usr/bin/{name}")));
        let bash = read(format!("usr/share/bash-completion/completions/pw-{name}"));
        let completes = bash.lines().filter(|line| line.trim_start().starts_with("complete -F")).collect::<Vec<_>>();
        assert!(!completes.is_empty() && completes.iter().all(|line| line.ends_with(&format!(" pw-{name}"))), "{completes:?}");
        assert!(read(format!("usr/share/zsh/site-functions/_pw-{name}")).starts_with(&format!("#compdef pw-{name}\n")));
        let fish = read(format!("usr/share/fish/vendor_completions.d/pw-{name}.fish"));
        assert!(fish.contains(&format!("complete -c pw-{name} ")) && !fish.contains(&format!("complete -c {name} ")));
        read(format!("usr/share/man/man1/pw-{name}.1"));
    }
    assert!(install(&["--uninstall", "/usr"], &variables).status.success());
    assert_eq!(files(folder.path()), BTreeSet::new());
}

#[test]
fn a_mistake_in_the_call_installs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().to_str().unwrap();
    assert_eq!(install(&[], &[]).status.code(), Some(64));
    assert_eq!(install(&["--frobnicate", prefix], &[]).status.code(), Some(64));
    assert_eq!(install(&[prefix, "/elsewhere"], &[]).status.code(), Some(64));
    assert_eq!(install(&[prefix], &[("PROGRAM_PREFIX", "../")]).status.code(), Some(64));
    assert_eq!(install(&[prefix], &[("BUILT", "/nowhere")]).status.code(), Some(66));
    assert_eq!(files(folder.path()), BTreeSet::new());
}
