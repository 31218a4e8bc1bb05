/// Work for whichever connection is free; each has a thread of its own, which takes one job after the other.
///
/// Jobs are taken in the order they came. Searches and reports of one caller that has as many running as it may are
/// passed over until one of them has ended.
final class WorkQueue<Worker>: Sendable {
    struct Job: Sendable {
        let errand: Errand
        let run: @Sendable (Worker) -> Void
        /// Tells the caller that it will not be run.
        let fail: @Sendable (any Error) -> Void
    }

    /// A class, so that what others change during a wait is read anew after it.
    private final class State: @unchecked Sendable {
        var jobs: [Job] = []
        /// Those before it were taken already.
        var head = 0
        var turns: Turns
        var stopped = false
        init(_ turns: Turns) { self.turns = turns }

        var waiting: Int { jobs.count - head }

        /// The next job that may run. Those that nobody waits for any more are taken out and handed back.
        func next(_ over: inout [(Job, any Error)]) -> Job? {
            var index = head
            while index < jobs.count {
                let job = jobs[index]
                if let refusal = job.errand.refusal {
                    index = remove(at: index)
                    over.append((job, refusal))
                } else if turns.admits(job.errand) {
                    _ = remove(at: index)
                    turns.enter(job.errand)
                    return job
                } else {
                    index += 1
                }
            }
            return nil
        }

        /// Takes a job out and says where the one behind it is.
        private func remove(at index: Int) -> Int {
            guard index == head else {
                jobs.remove(at: index)
                return index
            }
            head += 1
            if head == jobs.count || head > 256 && head * 2 > jobs.count {
                jobs.removeFirst(head)
                head = 0
            }
            return head
        }
    }
    private let state: Guarded<State>
    private let mostWaiting: Int

    /// - Parameters:
    ///   - threads: how many take jobs.
    ///   - mostWaiting: how many jobs may wait.
    init(threads: Int, mostWaiting: Int) {
        state = Guarded(State(Turns(most: threads)), conditions: 1)
        self.mostWaiting = mostWaiting
    }

    func put(_ job: Job) {
        let refusal: StoreError? = state.with { state in
            if state.stopped { return .unavailable("the database is closed") }
            guard state.waiting < mostWaiting else { return .busy("too many requests wait for the database") }
            state.jobs.append(job)
            self.state.signal(0)
            return nil
        }
        if let refusal { job.fail(refusal) }
    }

    /// Waits for a job; nil once the queue was stopped and is empty.
    func take() -> Job? {
        while true {
            var over: [(Job, any Error)] = []
            let (job, isStopped) = state.with { state in
                while true {
                    let job = state.next(&over)
                    if job != nil || !over.isEmpty || state.stopped { return (job, state.stopped) }
                    self.state.wait(0, seconds: 60)
                }
            }
            for (job, refusal) in over { job.fail(refusal) }
            if let job { return job }
            if isStopped, over.isEmpty { return nil }
        }
    }

    /// A job that was taken has ended.
    func done(_ job: Job) {
        guard job.errand.lane.takesTurns else { return }
        state.with { state in
            state.turns.leave(job.errand)
            if state.waiting > 0 { self.state.signal(0) }
        }
    }

    func stop() {
        state.with { state in
            state.stopped = true
            self.state.broadcast()
        }
    }
}
