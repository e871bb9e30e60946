//! Disk space: the file systems of `/proc/self/mounts`, asked by statvfs(3).
//!
//! Only file systems that live on this machine are asked: a dead file server holds every
//! statvfs(3) on its mounts, so network file systems are left out, as are pretended ones (`proc`,
//! `cgroup`) and images that are always full (`squashfs`). A file system that is mounted at
//! several places is told once, at the place with the shortest path.

use std::path::PathBuf;

use super::Subject;
use super::metric::{Metric, Put, Row};
use super::text::{fields, lines, ratio};
use crate::record::Tags;
use crate::time::Span;

/// One file system, in tags `mount` and `device`.
pub(super) static SPACE: [Metric; 5] = [
    Metric::gauge("disk.used", "1", "share of the space in use, as df shows it, of the file system in tag `mount`"),
    Metric::gauge("disk.total", "By", "space in all"),
    Metric::gauge("disk.available", "By", "space that ordinary users can still fill"),
    Metric::gauge("disk.inodes.used", "1", "share of the inodes in use; left out where there is no limit"),
    Metric::gauge("disk.inodes.free", "{inodes}", "inodes that are free"),
];

/// File systems that keep data on this machine.
const LOCAL: [&[u8]; 17] = [
    b"bcachefs",
    b"btrfs",
    b"exfat",
    b"ext2",
    b"ext3",
    b"ext4",
    b"f2fs",
    b"fuseblk",
    b"hfsplus",
    b"jfs",
    b"msdos",
    b"ntfs3",
    b"reiserfs",
    b"ufs",
    b"vfat",
    b"xfs",
    b"zfs",
];

/// One line of the mounts.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: Vec<u8>,
    point: Vec<u8>,
}

impl Mount {
    /// Reads `device point type options…`; `None` when it is not to be asked.
    fn read(line: &[u8]) -> Option<Mount> {
        let mut fields = fields(line);
        let (device, point, kind) = (unescape(fields.next()?), unescape(fields.next()?), fields.next()?);
        let wanted = LOCAL.contains(&kind) || (kind == b"overlay" && point == b"/") || (kind == b"tmpfs" && point == b"/tmp");
        wanted.then_some(Mount { device, point })
    }
}

/// The mounts that are to be asked, each file system once, in the order of their places.
fn mounts(text: &[u8]) -> Vec<Mount> {
    let mut found: Vec<Mount> = Vec::new();
    for mount in lines(text).filter_map(Mount::read) {
        // A later mount at the same place hides the earlier one.
        found.retain(|known| known.point != mount.point);
        match found.iter_mut().find(|known| known.device == mount.device && known.device.starts_with(b"/")) {
            Some(known) if known.point.len() <= mount.point.len() => {}
            Some(known) => known.point = mount.point,
            None => found.push(mount),
        }
    }
    found.sort_by(|a, b| a.point.cmp(&b.point));
    found
}

/// Takes back the octal escapes (`\040` for a space) in which mounts write blanks.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// What statvfs(3) says, as values in the order of [`SPACE`].
///
/// Space is used as df has it: of what ordinary users can have, so that 100 % is when they can
/// write no more, though some is left for root.
fn values(found: &rustix::fs::StatVfs) -> [Option<f64>; 5] {
    let block_bytes = if found.f_frsize > 0 { found.f_frsize } else { found.f_bsize } as f64;
    let used = found.f_blocks.saturating_sub(found.f_bfree) as f64;
    let available = found.f_bavail as f64;
    let inodes = found.f_files as f64;
    let inodes_free = found.f_ffree as f64;
    [
        ratio(used, used + available),
        Some(found.f_blocks as f64 * block_bytes),
        Some(available * block_bytes),
        ratio(inodes - inodes_free, inodes),
        (found.f_files > 0).then_some(inodes_free),
    ]
}

/// The reader of `/proc/self/mounts`, and what it names.
pub(super) struct Space {
    tags: Tags,
    text: Vec<u8>,
    asked: Vec<(PathBuf, Row<5>)>,
}

impl Space {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Space {
        Space { tags: tags.clone(), text: Vec::new(), asked: Vec::new() }
    }

    fn series(&self, mount: &Mount) -> Row<5> {
        let mut tags = self.tags.clone();
        tags.set("mount", String::from_utf8_lossy(&mount.point));
        tags.set("device", String::from_utf8_lossy(&mount.device));
        Row::new(&SPACE, &tags)
    }
}

impl Subject for Space {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        use std::os::unix::ffi::OsStringExt;
        if self.text != text {
            self.text = text.to_vec();
            let series = |mount: Mount| {
                let row = self.series(&mount);
                (PathBuf::from(std::ffi::OsString::from_vec(mount.point)), row)
            };
            self.asked = mounts(text).into_iter().map(series).collect();
        }
        for (point, row) in &self.asked {
            // A mount that we may not look at has no numbers for us.
            if let Ok(found) = rustix::fs::statvfs(point.as_path()) {
                row.put(put, values(&found));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_file_systems_are_asked_and_each_once() {
        let text = b"proc /proc proc rw 0 0\n\
            /dev/vda / ext4 rw 0 0\n\
            /dev/vda /var/lib/docker/bind ext4 rw 0 0\n\
            server:/export /mnt/nfs nfs4 rw 0 0\n\
            tmpfs /run tmpfs rw 0 0\n\
            tmpfs /tmp tmpfs rw 0 0\n\
            /dev/loop3 /snap/core squashfs ro 0 0\n\
            /dev/sdb1 /mnt/my\\040disk xfs rw 0 0\n\
            overlay /var/lib/docker/merged overlay rw 0 0\n";
        let found: Vec<String> = mounts(text).iter().map(|mount| String::from_utf8_lossy(&mount.point).into_owned()).collect();
        assert_eq!(found, ["/", "/mnt/my disk", "/tmp"]);
    }

    #[test]
    fn a_mount_on_top_hides_the_one_below() {
        let found = mounts(b"/dev/a /data ext4 rw 0 0\n/dev/b /data xfs rw 0 0\n");
        assert_eq!(found, [Mount { device: b"/dev/b".to_vec(), point: b"/data".to_vec() }]);
    }
}
