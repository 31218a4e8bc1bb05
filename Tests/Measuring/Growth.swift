import Foundation

/// How the time of a piece of work grows when its input doubles.
package enum Growth {
    /// At most 2.5 times. What is measured once and holds is not measured again; the best of several runs counts. What
    /// takes no time at all cannot be judged and is no trouble.
    ///
    /// On a busy machine the caches belong to others, and a single doubling may look worse than it is. Where it does,
    /// up to three doublings are looked at: they may take 2.5 times each, which work that grows with the square (64
    /// times for three) is far from.
    ///
    /// - Parameter size: of the smaller input; the larger one is twice as big and comes first, so that whatever is made
    ///   once at the beginning counts against it.
    package static func isLinear<Input>(_ input: (Int) -> Input, size: Int = 8 << 10, _ work: (Input) -> Void) -> Bool {
        let large = input(2 * size)
        var longest = Duration.seconds(1000)
        func grows(from smaller: Int) -> Bool {
            let small = input(smaller)
            let most = pow(2.5, log2(Double(2 * size) / Double(smaller)))
            var shortest = Duration.seconds(1000)
            for _ in 0..<12 {
                longest = min(longest, processorTime { work(large) })
                if longest < .milliseconds(5) { return true }
                shortest = min(shortest, processorTime { work(small) })
                if longest / shortest <= most { return true }
            }
            return false
        }
        return grows(from: size) || grows(from: max(1, size / 4))
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
