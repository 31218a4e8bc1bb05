import DeskTesting
import Foundation
import Primitives
import Testing

@testable import Desk

@Suite("Names that administrators give")
struct SameNameTests {
    @Test(
        "two names that differ in case or in how an accent is written are one, on either engine",
        arguments: [("Support", "sUPPORT"), ("É", "é"), ("Ärger", "a\u{308}rger"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ")])
    func same(name: String, other: String) async throws {
        let test = try await TestDesk()
        for resource in [Resource.departments, .teams, .organizations] {
            do { _ = try await test.write { try $0.add(["name": .string(name)], to: resource) } } catch is Refusal {
                // A new desk has a department of this name.
                #expect(name == "Support")
            }
            await #expect(throws: Refusal.self) {
                _ = try await test.write { try $0.add(["name": .string(other)], to: resource) }
            }
        }
        let found = try await test.read { try $0.named(.department, .name(other), field: "department") }
        #expect(found.name == name)
    }

    @Test("a name is free again once its department is retired")
    func retired() async throws {
        let test = try await TestDesk()
        let row = try await test.write { try $0.add(["name": "Billing"], to: .departments) }
        try await test.write { try $0.remove(row.id, from: .departments) }
        _ = try await test.write { try $0.add(["name": "BILLING"], to: .departments) }
    }
}
