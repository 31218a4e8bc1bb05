import Foundation
import Store
import Synchronization
import Testing

@Suite("Opening the embedded database")
struct OpeningTests {
    @Test("Programs that open one new file at the same time all get it")
    func openedByManyAtOnce() async throws {
        for _ in 0..<25 {
            let folder = FileManager.default.temporaryDirectory.appending(path: "opening-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let faults = Mutex<[String]>([])
            let start = DispatchSemaphore(value: 0)
            let ended = DispatchSemaphore(value: 0)
            let openers = 8
            for _ in 0..<openers {
                Thread.detachNewThread {
                    start.wait()
                    do {
                        let database = try SQLiteDatabase(path: folder.appending(path: "desk.sqlite").path, readers: 1)
                        Task {
                            await database.close()
                            ended.signal()
                        }
                    } catch {
                        faults.withLock { $0.append("\(error)") }
                        ended.signal()
                    }
                }
            }
            for _ in 0..<openers { start.signal() }
            for _ in 0..<openers { ended.wait() }
            #expect(faults.withLock { $0 } == [])
        }
    }
}
