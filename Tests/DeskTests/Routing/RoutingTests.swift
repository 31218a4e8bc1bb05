import DeskTesting
import Domain
import Foundation
import Testing

@testable import Desk
@testable import Store

@Suite("Routing")
struct RoutingTests {
    private let support = Routing.Place(department: Reference(id: Department.ID(1), name: "Support"), serviceLevel: nil)
    private func topic(_ name: String, priority: Priority = .normal, escalates: Bool = false) -> Topic {
        Topic(
            id: Topic.ID(1), name: name, department: support.department, team: nil, priority: priority,
            serviceLevel: nil, escalates: escalates)
    }
    private func decide(_ wish: Routing.Wish, _ text: String = "a quiet question") -> Routing {
        Routing.decide(
            wish, place: support, text: Urgency.Words(subject: "", body: text),
            urgentWords: ["urgent", "cannot work", "Störung"])
    }

    @Test("a priority that was asked for counts before the topic's")
    func priority() {
        #expect(decide(.init(topic: topic("x", priority: .high))).priority == .high)
        #expect(decide(.init(topic: topic("x", priority: .high), priority: .low)).priority == .low)
        #expect(decide(.init()).priority == .normal)
    }

    @Test(
        "each way to be urgent escalates and says which it was",
        arguments: [
            ("urgent", "“urgent”"), ("we CANNOT   work!", "“cannot work”"),
            ("eine stoerung? Nein: Störung", "“Störung”"),
        ])
    func words(text: String, reason: String) {
        let routing = decide(.init(), text)
        #expect(routing.priority == .urgent)
        #expect(routing.escalation?.contains(reason) == true)
    }

    @Test(
        "part of a word and words apart are not urgent",
        arguments: ["insurgents", "urgently", "cannot, at all, work", ""])
    func notUrgent(text: String) { #expect(decide(.init(), text).escalation == nil) }

    @Test(
        "what somebody denies, asks about, quotes, thanks for, supposes or tells of another time wakes nobody",
        arguments: [
            "This is not urgent at all, whenever you have time.", "It isn't urgent.", "It isn’t really that urgent",
            "No urgent matter here", "non-urgent: new chair", "Nothing urgent, just a question", "urgent it is not",
            "I don't think this is urgent.", "I do not believe that it is urgent", "Not so urgent, take your time",
            "It is less urgent than the other one", "Never urgent", "neither urgent nor important",
            "Das ist nicht dringend.", "nicht so furchtbar dringend", "Dringend ist es nicht",
            "Ich glaube nicht, dass es dringend ist", "Kein Notfall", "keineswegs dringend",
            "Ce n'est pas urgent", "ce n’est pas du tout urgent", "rien d'urgent", "pas urgent", "no es urgente",
            "no es nada urgente", "No creo que sea urgente", "sin urgente necesidad", "não é urgente", "nada urgente",
            "het is niet dringend", "geen noodgeval",
            "What counts as urgent?", "How do I mark a ticket as urgent?", "Is this urgent?",
            "I would like to know how urgent requests are handled.", "Which urgent requests do you take?",
            "The topic “Urgent problem” is spelt wrong", "The word \"urgent\" is missing in the menu.",
            "Thanks for your urgent help yesterday", "It was urgent, but is solved now.",
            "For urgent matters call 555-0100.", "In an emergency, call the desk", "If it becomes urgent I will call.",
            "The emergency exit sign is dark", "emergency lighting invoice", "Please book me at the urgent care clinic",
            "Urgent: no", "Dringend: nein",
            "Hello\n\n> this is urgent\nThat was last week.", "Hello\n-- \nAda\nUrgent matters: 555-0100\nurgent!",
            "See below\n-----Original Message-----\nurgent!",
            "FYI\nVon: a@b.example\nGesendet: heute\nBetreff: urgent\n\nurgent!",
        ])
    func denied(text: String) { #expect(decideByDefault(text) == nil) }

    @Test(
        "what somebody claims is escalated, whatever else the message denies",
        arguments: [
            "URGENT", "Urgent: printer down", "urgent!!!", "URGENT - nothing works", "this is urgent",
            "It's urgent, please help", "Urgent, can you call me?", "Can you help, it is urgent?",
            "not only urgent but dangerous", "We cannot print. Urgent.",
            "No internet, urgent", "The printer does not work, this is urgent", "I can't log in this is urgent",
            "This is an emergency", "Emergency: server room is hot", "We have an emergency in room 4",
            "urgent help needed", "An urgent problem with our invoices",
            "Es ist dringend", "DRINGEND: Server steht", "Ich brauche dringend Hilfe", "Notfall!", "C'est urgent",
            "es urgente", "é urgente", "Het is dringend", "nicht nur dringend, sondern gefährlich",
        ])
    func claimed(text: String) { #expect(decideByDefault(text)?.contains("list of urgent words") == true) }

    private func decideByDefault(_ text: String) -> String? {
        Urgency.recognise(
            priority: .normal, topic: nil, text: .init(subject: "", body: text), words: Settings().urgentWords)
    }

    @Test("the reason says which word, where and in which sentence")
    func reason() {
        let reason = Urgency.recognise(
            priority: .normal, topic: nil, text: .init(subject: "Printer down, urgent", body: ""), words: ["urgent"])
        #expect(reason == "the subject contains “urgent”, which is on the list of urgent words: “Printer down, urgent”")
    }

    @Test("a message of a megabyte without a word is read in no time")
    func long() { #expect(decideByDefault(String(repeating: "not urgent, ", count: 100_000)) == nil) }

    @Test("an urgent topic and an urgent priority escalate")
    func others() {
        #expect(decide(.init(topic: topic("Outage", escalates: true))).escalation?.contains("Outage") == true)
        #expect(decide(.init(priority: .urgent)).escalation == "the priority is urgent")
    }
}
