import Desk
import Foundation

/// The secret that signs links and Message-IDs and seals mailbox passwords: from the settings, or made once and kept
/// beside the data.
enum DeskSecret {
    /// The kept secret; nil where there is none yet. An empty file is what an older Usher left when it was killed while
    /// writing.
    static func kept(in folder: URL) throws -> String? {
        let path = folder.appending(path: "secret").path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw Misconfigured("\(path) cannot be read as UTF-8 text")
        }
        if text.isEmpty { return nil }
        guard text.utf8.count >= 16 else {
            throw Misconfigured(
                "\(path) is shorter than 16 characters: it is damaged. Put the desk's own secret back, from a backup")
        }
        return text
    }

    /// Makes one and keeps it whole: under another name until it is on the disk, then linked, so that of two programs
    /// that make one the first wins.
    static func make(in folder: URL) throws -> String {
        let path = folder.appending(path: "secret").path
        let made = Secret.random() + Secret.random()
        try write(made, to: path, replacesEmpty: true)
        guard let kept = try kept(in: folder) else { throw Misconfigured("\(path) cannot be written") }
        return kept
    }

    /// Replaces what is there, as a restore does.
    static func replace(in folder: URL, by secret: String) throws {
        try write(secret, to: folder.appending(path: "secret").path, replacesEmpty: false)
    }

    private static func write(_ secret: String, to path: String, replacesEmpty: Bool) throws {
        let temporary = path + ".\(UUID().uuidString)"
        func fault(_ call: String) -> Misconfigured {
            Misconfigured("\(path) cannot be written (\(call): \(String(cString: strerror(errno))))")
        }
        let handle = Foundation.open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard handle >= 0 else { throw fault("open") }
        defer { unlink(temporary) }
        let isWritten = Foundation.write(handle, secret, secret.utf8.count) == secret.utf8.count && fsync(handle) == 0
        close(handle)
        guard isWritten else { throw fault("write") }
        if replacesEmpty {
            var status = stat()
            // Only an empty one is taken away, and by its rename no moment is without a whole one.
            if stat(path, &status) == 0, status.st_size == 0 {
                guard rename(temporary, path) == 0 else { throw fault("rename") }
            } else if link(temporary, path) != 0, errno != EEXIST {
                throw fault("link")
            }
        } else {
            guard rename(temporary, path) == 0 else { throw fault("rename") }
        }
        let folder = Foundation.open((path as NSString).deletingLastPathComponent, O_RDONLY)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
