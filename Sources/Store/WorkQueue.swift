import Dispatch
import Synchronization

/// Work for whichever connection is free; each has a thread of its own, which takes one job after the other.
final class WorkQueue<Worker>: Sendable {
    typealias Job = @Sendable (Worker) -> Void
    private let state = Mutex((jobs: [Job](), head: 0, stopped: false))
    private let signal = DispatchSemaphore(value: 0)

    func put(_ job: @escaping Job) -> Bool {
        let accepted = state.withLock { state in
            if state.stopped { return false }
            state.jobs.append(job)
            return true
        }
        if accepted { signal.signal() }
        return accepted
    }

    /// Waits for a job; nil once the queue was stopped and is empty.
    func take() -> Job? {
        while true {
            signal.wait()
            let (job, stopped): (Job?, Bool) = state.withLock { state in
                guard state.head < state.jobs.count else { return (nil, state.stopped) }
                let job = state.jobs[state.head]
                state.head += 1
                if state.head > 256, state.head * 2 > state.jobs.count {
                    state.jobs.removeFirst(state.head)
                    state.head = 0
                }
                return (job, false)
            }
            if let job { return job }
            if stopped {
                signal.signal()  // wakes the next thread, which stops as well
                return nil
            }
        }
    }

    func stop() {
        state.withLock { $0.stopped = true }
        signal.signal()
    }
}
