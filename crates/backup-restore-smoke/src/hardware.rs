//! The machine on which the copy lived: a recovery time says nothing without it. What the kernel does not tell is left
//! out, never guessed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{size::shown, wording::counted};

/// Where the kernel tells of block devices, by their numbers.
const DEVICES: &str = "/sys/dev/block";

/// In words, for the evidence: processors, memory, and the file system of this folder with its device and free space.
pub(crate) fn described(scratch: &Path) -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut parts = Vec::new();
    if let Ok(count) = std::thread::available_parallelism() {
        let model = model(&text("/proc/cpuinfo")).map_or_else(String::new, |model| format!(" ({model})"));
        parts.push(format!("{}{model}", counted(count.get() as u64, "processor")));
    }
    parts.extend(memory(&text("/proc/meminfo"), limit()).map(|bytes| format!("{} of memory", shown(bytes))));
    if let Some(mount) =
        scratch.canonicalize().ok().and_then(|path| mount(&text("/proc/self/mountinfo"), &path))
    {
        parts.push(format!("scratch on {}{}", mount.kind, device(Path::new(DEVICES), &mount)));
    }
    if let Ok(space) = rustix::fs::statvfs(scratch) {
        let bytes = |blocks: u64| shown(blocks.saturating_mul(space.f_frsize));
        parts.push(format!("{} of {} free at the start", bytes(space.f_bavail), bytes(space.f_blocks)));
    }
    parts.join(", ")
}

/// The model of the first processor (x86 names it; many others do not).
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let model = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
    (!model.is_empty()).then_some(model)
}

/// The machine's memory, or what a control group leaves of it.
fn memory(meminfo: &str, limit: Option<u64>) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.saturating_mul(1024);
    Some(limit.map_or(total, |limit| limit.min(total)))
}

/// What our control group allows (of version 2, as a container sees its own; otherwise of version 1).
fn limit() -> Option<u64> {
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    files.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// `ext4`, `tmpfs`.
    kind: String,
    /// Major and minor number, as `254:0`.
    numbers: String,
}

/// The file system that a path is on (proc(5), `mountinfo`): the one with the longest mount point, and of several on
/// one point the last.
fn mount(mountinfo: &str, path: &Path) -> Option<Mount> {
    let lines = mountinfo.lines().filter_map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let point = PathBuf::from(unescaped(words.get(4)?));
        let kind = words.iter().skip_while(|word| **word != "-").nth(1)?;
        let mount = Mount { kind: (*kind).to_owned(), numbers: (*words.get(2)?).to_owned() };
        path.starts_with(&point).then(|| (point.components().count(), mount))
    });
    lines.max_by_key(|(depth, _)| *depth).map(|(_, mount)| mount)
}

/// Undoes `\040` and its like.
fn unescaped(word: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(word.to_owned(), |word, (from, to)| word.replace(from, to))
}

/// Name and kind of the device under a file system. One without a device (in memory, of the network, of layers) has
/// none here; a partition's kind is that of its disk.
fn device(devices: &Path, mount: &Mount) -> String {
    if matches!(mount.kind.as_str(), "tmpfs" | "ramfs") {
        return " (in memory)".to_owned();
    }
    let Ok(device) = devices.join(&mount.numbers).canonicalize() else { return String::new() };
    let name = device.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kinds = [device.join("queue/rotational"), device.join("../queue/rotational")];
    let kind = kinds.iter().find_map(|path| fs::read_to_string(path).ok());
    match kind.as_deref().map(str::trim) {
        Some("0") => format!(" (device {name}, not rotational)"),
        Some("1") => format!(" (device {name}, rotational as the kernel says)"),
        _ => format!(" (device {name})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n25 22 0:23 / /dev/shm rw - tmpfs tmpfs rw\n\
        30 22 0:41 / /mnt/two\\040words rw shared:7 master:1 - nfs4 server:/x rw\n31 22 259:2 / /data rw - xfs /dev/a rw\n\
        32 22 253:5 / /data rw - btrfs /dev/b rw\n";

    #[test]
    fn the_file_system_of_a_path_is_the_innermost_and_the_last_mounted() {
        for (path, kind, numbers) in [
            ("/var/tmp", "ext4", "254:1"),
            ("/dev/shm/x", "tmpfs", "0:23"),
            ("/dev/shmx", "ext4", "254:1"),
            ("/mnt/two words/x", "nfs4", "0:41"),
            ("/data/x", "btrfs", "253:5"),
        ] {
            let found = mount(MOUNTS, Path::new(path)).unwrap();
            assert_eq!((found.kind.as_str(), found.numbers.as_str()), (kind, numbers), "{path}");
        }
        assert_eq!(mount("", Path::new("/")), None);
    }

    #[test]
    fn a_device_is_told_as_far_as_the_kernel_tells_it() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("disk/queue/rotational", "1\n");
        put("disk/disk1/partition", "1\n");
        put("fast/queue/rotational", "0\n");
        put("odd/size", "0\n");
        let links = folder.path().join("links");
        fs::create_dir(&links).unwrap();
        for (numbers, to) in [("8:0", "disk"), ("8:1", "disk/disk1"), ("259:0", "fast"), ("9:9", "odd")] {
            std::os::unix::fs::symlink(folder.path().join(to), links.join(numbers)).unwrap();
        }
        let told = |kind: &str, numbers: &str| {
            device(&links, &Mount { kind: kind.to_owned(), numbers: numbers.to_owned() })
        };
        for (kind, numbers, said) in [
            ("ext4", "8:0", " (device disk, rotational as the kernel says)"),
            ("ext4", "8:1", " (device disk1, rotational as the kernel says)"),
            ("xfs", "259:0", " (device fast, not rotational)"),
            ("xfs", "9:9", " (device odd)"),
            ("nfs4", "0:41", ""),
            ("tmpfs", "0:23", " (in memory)"),
        ] {
            assert_eq!(told(kind, numbers), said, "{kind} {numbers}");
        }
    }

    #[test]
    fn memory_and_model_are_read_and_never_guessed() {
        assert_eq!(memory("MemTotal:       24684092 kB\n", None), Some(25_276_510_208));
        assert_eq!(memory("MemTotal:       24684092 kB\n", Some(2 << 30)), Some(2 << 30));
        assert_eq!(memory("MemTotal:       24684092 kB\n", Some(u64::MAX)), Some(25_276_510_208));
        assert_eq!(memory("nothing", Some(5)), None);
        assert_eq!(
            model("processor : 0\nmodel name\t: A  Fine   CPU @ 2GHz\n").as_deref(),
            Some("A Fine CPU @ 2GHz")
        );
        assert_eq!(model("processor : 0\nBogoMIPS : 50\n"), None);
    }

    #[test]
    fn this_machine_is_described() {
        let folder = tempfile::tempdir().unwrap();
        let told = described(folder.path());
        for words in ["processor", "of memory", "scratch on ", "free at the start"] {
            assert!(told.contains(words), "{words} in {told}");
        }
    }
}
