import Primitives

/// What a request is about: an administrator's choice of words that decides where it goes.
package struct Topic: Sendable, Equatable {
    package typealias ID = Primitives.ID<Topic>
    package let id: ID
    package let name: String
    package let department: Reference<Department>?
    package let team: Reference<Team>?
    package let priority: Priority
    package let serviceLevel: ServiceLevel.ID?
    package let escalates: Bool

    package init(
        id: ID, name: String, department: Reference<Department>?, team: Reference<Team>?, priority: Priority,
        serviceLevel: ServiceLevel.ID?, escalates: Bool
    ) {
        self.id = id
        self.name = name
        self.department = department
        self.team = team
        self.priority = priority
        self.serviceLevel = serviceLevel
        self.escalates = escalates
    }
}

/// Where a new request goes and how fast. Pure: values in, decision out.
package struct Routing: Sendable, Equatable {
    package let department: Reference<Department>
    package let team: Reference<Team>?
    package let priority: Priority
    package let serviceLevel: ServiceLevel.ID?
    /// Why it is escalated at once, if it is.
    package let escalation: String?
    /// The priority it would have without that: what it goes back to.
    package let askedPriority: Priority
    /// How each part was decided.
    package let reason: String

    /// What the requester or the channel asked for.
    package struct Wish: Sendable {
        package var topic: Topic?
        package var department: Reference<Department>?
        package var priority: Priority?
        package init(topic: Topic? = nil, department: Reference<Department>? = nil, priority: Priority? = nil) {
            self.topic = topic
            self.department = department
            self.priority = priority
        }
    }

    /// A department as routing sees it.
    package struct Place: Sendable, Equatable {
        package let department: Reference<Department>
        package let serviceLevel: ServiceLevel.ID?
        package init(department: Reference<Department>, serviceLevel: ServiceLevel.ID?) {
            self.department = department
            self.serviceLevel = serviceLevel
        }
    }

    package static func decide(_ wish: Wish, place: Place, text: Urgency.Words, urgentWords: [String]) -> Routing {
        var reasons: [String] = []
        if wish.department != nil {
            reasons.append("department \(place.department.name) as asked for")
        } else if let topic = wish.topic, topic.department != nil {
            reasons.append("department \(place.department.name) by the topic “\(topic.name)”")
        } else {
            reasons.append("department \(place.department.name), the first one")
        }
        let asked = wish.priority ?? wish.topic?.priority ?? .normal
        let escalation = Urgency.recognise(priority: asked, topic: wish.topic, text: text, words: urgentWords)
        let priority = escalation == nil ? asked : .urgent
        if escalation != nil {
            reasons.append("priority urgent, since it is escalated")
        } else if wish.priority != nil {
            reasons.append("priority \(priority.word) as asked for")
        } else if let topic = wish.topic {
            reasons.append("priority \(priority.word) by the topic “\(topic.name)”")
        }
        return Routing(
            department: place.department, team: wish.topic?.team, priority: priority,
            serviceLevel: wish.topic?.serviceLevel ?? place.serviceLevel,
            escalation: escalation, askedPriority: asked, reason: reasons.joined(separator: "; "))
    }
}
