import Store

/// Whether a request cannot wait, and why. Pure.
package enum Urgency {
    /// The reason a request is escalated at once; nil for one that takes its turn.
    package static func recognise(priority: Priority, topic: Topic?, text: [String], words: [String]) -> String? {
        if let topic, topic.escalates { return "the topic “\(topic.name)” is escalated at once" }
        if priority == .urgent { return "the priority is urgent" }
        for word in words {
            let wanted = Words.split(word)
            if !wanted.isEmpty, text.contains(run: wanted) { return "it contains “\(word)”, which is on the list of urgent words" }
        }
        return nil
    }
}

extension [String] {
    fileprivate func contains(run: [String]) -> Bool {
        guard run.count <= count else { return false }
        if run.count == 1 { return contains(run[0]) }
        return indices.dropLast(run.count - 1).contains { self[$0..<($0 + run.count)].elementsEqual(run) }
    }
}
