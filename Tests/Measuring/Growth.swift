import Foundation

/// How the time of a piece of work grows when its input doubles.
package enum Growth {
    /// At most 2.5 times. What is measured once and holds is not measured again; the best of up to twelve runs counts.
    /// What takes no time at all cannot be judged and is no trouble.
    ///
    /// - Parameter size: of the smaller input; the larger one is twice as big and comes first, so that whatever is made
    ///   once at
    ///   the beginning counts against it.
    package static func isLinear<Input>(_ input: (Int) -> Input, size: Int = 8 << 10, _ work: (Input) -> Void) -> Bool {
        let (small, large) = (input(size), input(2 * size))
        var (first, second) = (Duration.seconds(1000), Duration.seconds(1000))
        for _ in 0..<12 {
            second = min(second, processorTime { work(large) })
            if second < .milliseconds(5) { return true }
            first = min(first, processorTime { work(small) })
            if second / first <= 2.5 { return true }
        }
        return false
    }

    /// What a piece of work takes of the processor, which another program on the machine does not change as it changes
    /// the time on the wall.
    package static func processorTime(_ work: () -> Void) -> Duration {
        let start = processorTime()
        work()
        return processorTime() - start
    }
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// `unit` as often as it fits.
    package static func repeated(_ unit: String, after start: String = "") -> (Int) -> String {
        { start + String(repeating: unit, count: max(1, $0 / unit.utf8.count)) }
    }
}
