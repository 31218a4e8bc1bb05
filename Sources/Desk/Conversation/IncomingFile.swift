import Crypto
import Foundation
import Mail
import Store
import Synchronization

/// A file that is being sent, written to the disk piece by piece and hashed on the way.
///
/// It lies among the unfinished files of the store under a name of its own. Nothing of it is kept until
/// `FileStore.keep` is given what `finish` returns.
package final class IncomingFile: Sendable {
    private struct State {
        var handle: Int32
        var hash = SHA256()
        var size = 0
    }
    private let path: String
    private let state: Mutex<State>

    fileprivate init(path: String, handle: Int32) {
        self.path = path
        state = Mutex(State(handle: handle))
    }

    deinit {
        let handle = state.withLock { $0.handle }
        guard handle >= 0 else { return }
        close(handle)
        unlink(path)
    }

    package func write(_ bytes: [UInt8]) throws {
        try state.withLock { state in
            state.hash.update(data: bytes)
            state.size += bytes.count
            try FileStore.write(bytes, to: state.handle)
        }
    }

    /// Ends the file once its bytes would survive a loss of power.
    package func finish() throws -> SentFile {
        try state.withLock { state in
            guard fsync(state.handle) == 0 else { throw FileStore.fault("fsync") }
            close(state.handle)
            state.handle = -1
            return SentFile(path: path, hash: Hex.encode(state.hash.finalize()), size: state.size)
        }
    }
}

extension FileStore {
    /// Begins a file that is being sent.
    package func incoming() throws -> IncomingFile {
        let path = folder.appending(path: "new").appending(path: UUID().uuidString).path
        let handle = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard handle >= 0 else { throw FileStore.fault("open") }
        return IncomingFile(path: path, handle: handle)
    }

    /// Keeps a file that was sent and returns its hash; returns only once it would survive a loss of power.
    package func keep(_ sent: SentFile) throws -> String {
        // A damaged file of that name is replaced.
        if size(of: sent.hash) == sent.size, isWhole(sent.hash), touch(sent.hash) { return sent.hash }
        try adopt(sent.path, as: sent.hash)
        return sent.hash
    }
}
