import Domain
import Foundation
import Primitives
import Store
import Testing

@testable import Desk

@Suite("Working time")
struct ScheduleTests {
    private func week(_ zone: String, _ from: String = "08:00", _ to: String = "18:00", holidays: [String] = []) throws
        -> Schedule
    {
        let day: JSON = [[.string(from), .string(to)]]
        return try Schedule(
            timeZone: zone, hours: ["mon": day, "tue": day, "wed": day, "thu": day, "fri": day],
            holidays: .array(holidays.map(JSON.string)))
    }
    private func date(_ text: String) -> Date { ISO8601DateFormatter().date(from: text) ?? .distantPast }

    @Test(
        "hours count only while somebody works",
        arguments: [
            ("2026-11-23T17:00:00Z", 4.0, "2026-11-24T11:00:00Z"),
            ("2026-11-23T17:00:00Z", 3.0, "2026-11-24T10:00:00Z"),
            ("2026-11-23T09:00:00Z", 1.0, "2026-11-23T10:00:00Z"),
            ("2026-11-23T05:00:00Z", 1.0, "2026-11-23T09:00:00Z"),
            ("2026-11-27T17:30:00Z", 1.0, "2026-11-30T08:30:00Z"),
            ("2026-11-28T12:00:00Z", 2.0, "2026-11-30T10:00:00Z"),
            ("2026-11-23T08:00:00Z", 10.0, "2026-11-23T18:00:00Z"),
            ("2026-11-23T08:00:00Z", 50.0, "2026-11-27T18:00:00Z"),
            ("2026-11-23T18:00:00Z", 0.5, "2026-11-24T08:30:00Z"),
        ])
    func moments(start: String, hours: Double, end: String) throws {
        let schedule = try week("UTC")
        #expect(schedule.moment(after: hours * 3600, from: date(start)) == date(end))
        #expect(abs(schedule.workingTime(from: date(start), to: date(end)) - hours * 3600) < 0.001)
    }

    @Test("holidays are passed over, also one a ticket is opened on")
    func holidays() throws {
        let schedule = try week("UTC", holidays: ["2026-12-25"])
        #expect(schedule.moment(after: 2 * 3600, from: date("2026-12-24T17:00:00Z")) == date("2026-12-28T09:00:00Z"))
        #expect(schedule.moment(after: 3600, from: date("2026-12-25T12:00:00Z")) == date("2026-12-28T09:00:00Z"))
    }

    @Test("the clocks' change moves the hours with the wall clock")
    func daylightSaving() throws {
        let schedule = try Schedule(
            timeZone: "Europe/Berlin", hours: ["sat": [["00:00", "24:00"]], "sun": [["00:00", "24:00"]]], holidays: [])
        // 2026-10-25 has 25 hours there, 2026-03-29 has 23.
        #expect(schedule.workingTime(from: date("2026-10-24T22:00:00Z"), to: date("2026-10-25T23:00:00Z")) == 25 * 3600)
        #expect(schedule.workingTime(from: date("2026-03-28T23:00:00Z"), to: date("2026-03-29T22:00:00Z")) == 23 * 3600)
        let berlin = try week("Europe/Berlin")
        #expect(berlin.moment(after: 3600, from: date("2026-10-23T15:30:00Z")) == date("2026-10-26T07:30:00Z"))
    }

    @Test("a schedule nobody works by has no moment, and asking ends")
    func never() throws {
        let schedule = try Schedule(timeZone: "UTC", hours: [:], holidays: [])
        #expect(schedule.moment(after: 60, from: date("2026-11-23T09:00:00Z")) == nil)
    }

    @Test(
        "wrong hours are refused",
        arguments: [
            #"{"monday": []}"#, #"{"mon": [["9", "17"]]}"#, #"{"mon": [["17:00", "09:00"]]}"#,
            #"{"mon": [["09:00", "25:00"]]}"#, #"{"mon": "09-17"}"#, "[]",
        ])
    func refuses(hours: String) throws {
        let json = try #require(JSON(hours))
        #expect(throws: Refusal.self) { try Schedule(timeZone: "UTC", hours: json, holidays: []) }
    }

    @Test("a rest moves what was left of a deadline, in working time")
    func resumes() throws {
        let level = ServiceLevel(
            id: ServiceLevel.ID(1), name: "x", firstResponse: 4 * 3600, resolution: nil, schedule: try week("UTC"))
        var deadlines = level.deadlines(from: date("2026-11-23T09:00:00Z"))
        #expect(deadlines.firstResponseDueAt == date("2026-11-23T13:00:00Z"))
        deadlines.pausedAt = date("2026-11-23T10:00:00Z")
        #expect(deadlines.next == nil && deadlines.missed(at: date("2026-11-25T00:00:00Z")) == nil)
        // Three hours were left; work goes on on Tuesday at 16:00.
        #expect(
            level.resume(deadlines, at: date("2026-11-24T16:00:00Z")).firstResponseDueAt == date("2026-11-25T09:00:00Z")
        )
    }

    @Test(
        "moments are written as RFC 3339",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-24T21:40:34.297Z", 1_795_556_434_297),
            ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00Z", 951_825_600_000),
        ] as [(String, Int64)])
    func writes(text: String, milliseconds: Int64) { #expect(Date(milliseconds: milliseconds).rfc3339 == text) }
}
