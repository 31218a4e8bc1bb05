import DeskTesting
import Foundation
import Testing

@testable import Desk
@testable import Store

@Suite("Routing")
struct RoutingTests {
    private let support = Routing.Place(department: Reference(id: Department.ID(1), name: "Support"), serviceLevel: nil)
    private func topic(_ name: String, priority: Priority = .normal, escalates: Bool = false) -> Topic {
        Topic(id: Topic.ID(1), name: name, department: support.department, team: nil, priority: priority, serviceLevel: nil, escalates: escalates)
    }
    private func decide(_ wish: Routing.Wish, _ text: String = "a quiet question") -> Routing {
        Routing.decide(wish, place: support, text: Words.split(text), urgentWords: ["urgent", "cannot work", "Störung"])
    }

    @Test("a priority that was asked for counts before the topic's")
    func priority() {
        #expect(decide(.init(topic: topic("x", priority: .high))).priority == .high)
        #expect(decide(.init(topic: topic("x", priority: .high), priority: .low)).priority == .low)
        #expect(decide(.init()).priority == .normal)
    }

    @Test("each way to be urgent escalates and says which it was", arguments: [("urgent", "“urgent”"), ("we CANNOT   work!", "“cannot work”"), ("eine stoerung? Nein: Störung", "“Störung”")])
    func words(text: String, reason: String) {
        let routing = decide(.init(), text)
        #expect(routing.priority == .urgent)
        #expect(routing.escalation?.contains(reason) == true)
    }

    @Test("part of a word and words apart are not urgent", arguments: ["insurgents", "urgently", "cannot, at all, work", ""])
    func notUrgent(text: String) { #expect(decide(.init(), text).escalation == nil) }

    @Test("an urgent topic and an urgent priority escalate")
    func others() {
        #expect(decide(.init(topic: topic("Outage", escalates: true))).escalation?.contains("Outage") == true)
        #expect(decide(.init(priority: .urgent)).escalation == "the priority is urgent")
    }
}
