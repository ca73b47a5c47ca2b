//! CPU time of a tree of processes, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

/// User and system time of these processes, their living descendants, and their ended children, in seconds.
pub fn spent(roots: &[u32]) -> f64 {
    let table = processes();
    let mut wanted: Vec<u32> = roots.to_vec();
    let mut at = 0;
    while let Some(parent) = wanted.get(at).copied() {
        wanted.extend(
            table
                .iter()
                .filter(|(_, process)| process.parent == parent)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    wanted
        .iter()
        .filter_map(|pid| table.get(pid))
        .map(|process| process.ticks)
        .sum::<u64>() as f64
        / ticks_per_second()
}

/// Anonymous memory of a process now (`RssAnon`), in bytes.
pub fn anonymous_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

struct Process {
    parent: u32,
    ticks: u64,
}

fn processes() -> BTreeMap<u32, Process> {
    let mut table = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name in parentheses may hold anything; what follows it is numbers (proc(5)).
        let fields: Vec<&str> = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(0)
        };
        // utime, stime, cutime, cstime.
        let ticks = (11..15).map(number).sum();
        let parent = u32::try_from(number(1)).unwrap_or(0);
        table.insert(pid, Process { parent, ticks });
    }
    table
}

#[allow(unsafe_code)]
fn ticks_per_second() -> f64 {
    // SAFETY: sysconf takes an integer and touches no memory.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    ticks.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_done_by_a_child_is_seen() {
        let before = spent(&[std::process::id()]);
        let status = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .status()
            .unwrap();
        assert!(status.success());
        assert!(spent(&[std::process::id()]) - before > 0.02);
        assert!(anonymous_memory(std::process::id()) > 0);
    }
}
