import CoreMetrics
import Foundation
import Synchronization

/// Where swift-metrics' figures are kept, and how Prometheus reads them (text format 0.0.4).
package final class PrometheusMetrics: MetricsFactory, Sendable {
    private struct Key: Hashable {
        let label: String
        let dimensions: String
    }
    private struct State {
        var counters: [Key: CounterFigure] = [:]
        var timers: [Key: TimerFigure] = [:]
        var recorders: [Key: RecorderFigure] = [:]
    }
    private let state = Mutex(State())

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, \.counters) { CounterFigure() }
    }
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, \.timers) { TimerFigure() }
    }
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        find(label, dimensions, \.recorders) { RecorderFigure() }
    }
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, \.recorders) { RecorderFigure() }
    }
    // Figures live as long as the process: they are made once for each route.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}

    private func find<Figure: Sendable>(
        _ label: String, _ dimensions: [(String, String)], _ path: any WritableKeyPath<State, [Key: Figure]> & Sendable,
        _ make: () -> Figure
    ) -> Figure {
        let key = Key(label: label, dimensions: Self.text(dimensions))
        return state.withLock { state in
            if let figure = state[keyPath: path][key] { return figure }
            let figure = make()
            state[keyPath: path][key] = figure
            return figure
        }
    }

    private static func text(_ dimensions: [(String, String)]) -> String {
        dimensions.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
    }
    private static func escaped(_ value: String) -> String {
        value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n")
    }

    /// All figures, in a settled order.
    package var text: String {
        let state = state.withLock { $0 }
        var text = ""
        for (label, figures) in Self.grouped(state.counters) {
            text += "# TYPE \(label) counter\n"
            for (dimensions, figure) in figures where figure.value > 0 {
                text += "\(label)\(Self.braced(dimensions)) \(figure.value)\n"
            }
        }
        for (label, figures) in Self.grouped(state.timers) {
            text += "# TYPE \(label) histogram\n"
            for (dimensions, figure) in figures { text += figure.text(label, dimensions) }
        }
        for (label, figures) in Self.grouped(state.recorders) {
            text += "# TYPE \(label) gauge\n"
            for (dimensions, figure) in figures { text += "\(label)\(Self.braced(dimensions)) \(figure.value)\n" }
        }
        return text
    }

    private static func grouped<Figure>(_ figures: [Key: Figure]) -> [(String, [(String, Figure)])] {
        Dictionary(grouping: figures, by: \.key.label).sorted { $0.key < $1.key }.map { label, items in
            (label, items.map { ($0.key.dimensions, $0.value) }.sorted { $0.0 < $1.0 })
        }
    }
    static func braced(_ dimensions: String) -> String { dimensions.isEmpty ? "" : "{\(dimensions)}" }
}

private final class CounterFigure: CounterHandler {
    private let count = Atomic<Int64>(0)
    var value: Int64 { count.load(ordering: .relaxed) }
    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

private final class RecorderFigure: RecorderHandler, MeterHandler {
    private let last = Mutex(0.0)
    var value: Double { last.withLock { $0 } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { last.withLock { $0 = value } }
    func set(_ value: Int64) { record(value) }
    func set(_ value: Double) { record(value) }
    func increment(by amount: Double) { last.withLock { $0 += amount } }
    func decrement(by amount: Double) { last.withLock { $0 -= amount } }
}

/// A histogram of seconds.
private final class TimerFigure: TimerHandler {
    private static let bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
    private struct Tally {
        var buckets = [Int](repeating: 0, count: TimerFigure.bounds.count)
        var count = 0
        var sum = 0.0
    }
    private let tally = Mutex(Tally())

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1_000_000_000
        tally.withLock { tally in
            tally.count += 1
            tally.sum += seconds
            if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { tally.buckets[index] += 1 }
        }
    }

    func text(_ label: String, _ dimensions: String) -> String {
        let tally = tally.withLock { $0 }
        guard tally.count > 0 else { return "" }
        let separator = dimensions.isEmpty ? "" : ","
        var text = ""
        var below = 0
        for (bound, count) in zip(Self.bounds, tally.buckets) {
            below += count
            text += "\(label)_bucket{\(dimensions)\(separator)le=\"\(bound)\"} \(below)\n"
        }
        text += "\(label)_bucket{\(dimensions)\(separator)le=\"+Inf\"} \(tally.count)\n"
        return text
            + """
            \(label)_sum\(PrometheusMetrics.braced(dimensions)) \
            \(tally.sum)\n\(label)_count\(PrometheusMetrics.braced(dimensions)) \(tally.count)\n
            """
    }
}
