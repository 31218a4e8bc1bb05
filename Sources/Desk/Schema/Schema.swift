import Store

/// The ladder of migrations. Append only: a step that was shipped never changes.
package enum Schema {
    package static let migrator = Migrator([
        people, routing, tickets, conversation, delivery, feedback, knowledge, office, freshDesk,
    ])
}
