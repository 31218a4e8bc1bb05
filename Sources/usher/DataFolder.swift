import Foundation
import Logging

/// The folder of the data: for the eyes of its owner only, and served by one program.
enum DataFolder {
    /// Makes the folder where it is missing, and takes from others what they could read.
    static func prepare(_ folder: URL, log: Logger) throws {
        var status = stat()
        if stat(folder.path, &status) != 0 {
            do {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw Misconfigured(
                    "USHER_DATA: the folder \(folder.path) cannot be created: \(String(cString: strerror(errno)))")
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Misconfigured("USHER_DATA: \(folder.path) is not a folder")
        }
        guard access(folder.path, R_OK | W_OK | X_OK) == 0 else {
            throw Misconfigured(
                """
                USHER_DATA: this user cannot write to \(folder.path); run Usher as the user who owns it, or \
                change its owner
                """
            )
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        // A folder that others use as well is left as it is; what is ours in it is not.
        let isOurs =
            names.contains { $0 == "usher.sqlite" || $0 == "secret" || $0 == "blobs" } && names.allSatisfy(isOurs)
        var tightened = isOurs && tighten(folder.path, to: 0o700) ? [folder.path] : []
        for name in names where Self.isOurs(name) && name != "usher.yaml" {
            if tighten(folder.appending(path: name).path, to: name == "blobs" ? 0o700 : 0o600) {
                tightened.append(name)
            }
        }
        if !tightened.isEmpty {
            log.notice(
                "the data was readable by other users; permissions were tightened",
                metadata: ["changed": "\(tightened.joined(separator: ", "))"])
        }
    }

    private static func isOurs(_ name: String) -> Bool {
        name.hasPrefix("usher.") || name == "secret" || name == "blobs"
    }

    /// True when it was changed.
    private static func tighten(_ path: String, to mode: mode_t) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK, status.st_mode & 0o077 != 0,
            status.st_uid == geteuid()
        else { return false }
        return chmod(path, mode) == 0
    }

    /// Keeps a second `usher serve` from the same embedded database. Held until the process ends, however it ends.
    static func claim(_ folder: URL) throws {
        let path = folder.appending(path: "usher.lock").path
        let handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard handle >= 0 else {
            throw Misconfigured("USHER_DATA: \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard flock(handle, LOCK_EX | LOCK_NB) == 0 else {
            var bytes = [UInt8](repeating: 0, count: 20)
            let count = read(handle, &bytes, bytes.count)
            close(handle)
            let other = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).trimmingCharacters(
                in: .whitespacesAndNewlines)
            throw Misconfigured(
                """
                another usher serve\(other.isEmpty ? "" : " (process \(other))") is running on \(folder.path). \
                Stop it first, or give this one a USHER_DATA of its own; several servers share a desk on \
                PostgreSQL only
                """
            )
        }
        // The lock is the file's, not the number in it; that only helps to find the process.
        _ = ftruncate(handle, 0)
        let number = "\(ProcessInfo.processInfo.processIdentifier)\n"
        _ = write(handle, number, number.utf8.count)
    }
}

/// What an operator has to change; told as it is, with the exit code of a wrong setting.
struct Misconfigured: Error {
    let words: String
    init(_ words: String) { self.words = words }
}
