import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Who stands behind the listener: knows our addresses and takes messages.
package protocol MailDoor: Sendable {
    func knows(_ recipient: String) async -> Bool
    /// Answers only once the message would survive a loss of power.
    func take(_ message: Data, from sender: String, for recipient: String) async -> DoorAnswer
    /// Makes room in memory for a large message, after a wait where others have it; false when it took too long.
    func reserve(_ bytes: Int) async -> Bool
    /// Gives back what was reserved.
    func release(_ bytes: Int) async
}

/// What became of a message for one recipient, as the mail server is told.
package enum DoorAnswer: Sendable, Equatable {
    case kept(String)
    /// Not now; the mail server tries again.
    case later(String)
    case never(String)

    var line: String {
        switch self {
        case .kept(let words): "250 2.0.0 \(words.singleLine)"
        case .later(let words): "451 4.3.0 \(words.singleLine)"
        case .never(let words): "554 5.6.0 \(words.singleLine)"
        }
    }
}

/// Listens for a mail server in front (RFC 2033): each recipient is answered for itself, and success means kept.
package struct LMTPServer: Sendable {
    private let host: String
    private let port: Int
    private let name: String
    private let door: any MailDoor
    private let limits: LMTPDialogue.Limits
    private static let mostConnections = 200
    private static let patience = TimeAmount.minutes(5)
    /// Octets of a message that need no reservation.
    private static let freeBytes = 1 << 20
    /// Octets of one line; mail has 998, broken mail has more.
    private static let longestLine = 1 << 20

    package init(host: String, port: Int, name: String, door: any MailDoor, limits: LMTPDialogue.Limits = .init()) {
        self.host = host
        self.port = port
        self.name = name
        self.door = door
        self.limits = limits
    }

    /// Serves until the task is cancelled; a message being taken in is finished.
    package func run(onListening: @Sendable (Int) -> Void) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: Self.patience))
                    try channel.pipeline.syncOperations.addHandler(HangUp())
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        onListening(server.channel.localAddress?.port ?? port)
        let open = Open()
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    guard open.enter(Self.mostConnections) else {
                        group.addTask {
                            try? await connection.executeThenClose { _, out in
                                try await out.write(ByteBuffer(string: "421 4.3.2 too many connections\r\n"))
                            }
                        }
                        continue
                    }
                    group.addTask {
                        defer { open.leave() }
                        // A connection that breaks ends itself alone; what was not answered was not taken.
                        try? await connection.executeThenClose { inbound, outbound in try await serve(inbound, outbound)
                        }
                    }
                }
            }
        }
    }

    private func serve(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        var dialogue = LMTPDialogue(host: name, limits: limits)
        var buffer = ByteBuffer()
        var searched = 0
        var message: DottedMessage?
        var reserved = 0
        defer { if reserved > 0 { Task { [reserved, door] in await door.release(reserved) } } }
        try await outbound.write(ByteBuffer(string: dialogue.greeting + "\r\n"))
        for try await chunk in inbound {
            buffer.writeImmutableBuffer(chunk)
            var answers = ""
            while let line = buffer.readLine(after: &searched) {
                if message != nil {
                    let isWhole = message?.take(line.readableBytesView) ?? false
                    if reserved == 0, let begun = message, begun.bytes.count > Self.freeBytes {
                        let bytes = Self.bytes(of: dialogue, limits)
                        if await door.reserve(bytes) { reserved = bytes } else { message?.putOff() }
                    }
                    guard isWhole, let whole = message else { continue }
                    message = nil
                    defer {
                        if reserved > 0 { Task { [reserved, door] in await door.release(reserved) } }
                        reserved = 0
                    }
                    for answer in await deliver(whole, dialogue.finish()) { answers += answer + "\r\n" }
                    continue
                }
                switch dialogue.take(String(decoding: line.readableBytesView.prefix(4096), as: UTF8.self)) {
                case .answer(let text): answers += text + "\r\n"
                case .ask(let recipient):
                    answers += (await door.knows(recipient) ? dialogue.accept() : dialogue.refuse()) + "\r\n"
                case .readMessage:
                    message = DottedMessage(limit: limits.size)
                    answers += "354 end data with a single dot\r\n"
                case .close(let text):
                    try await outbound.write(ByteBuffer(string: answers + text + "\r\n"))
                    return
                }
            }
            if !answers.isEmpty { try await outbound.write(ByteBuffer(string: answers)) }
            guard buffer.readableBytes < Self.longestLine else {
                try await outbound.write(ByteBuffer(string: "500 5.5.2 this line has no end\r\n"))
                return
            }
            buffer.discardReadBytes()
        }
    }

    /// What a message may take in memory: its bytes, and once more what is read from them.
    private static func bytes(of dialogue: LMTPDialogue, _ limits: LMTPDialogue.Limits) -> Int {
        let announced = dialogue.announcedSize ?? 0
        return 2 * (announced > freeBytes ? announced : limits.size)
    }

    private func deliver(_ message: DottedMessage, _ envelope: (sender: String, recipients: [String])) async -> [String]
    {
        var answers: [String] = []
        for recipient in envelope.recipients {
            if message.isPutOff {
                answers.append("451 4.3.1 too many large messages at once")
            } else if message.isTooLarge {
                answers.append("552 5.3.4 larger than \(limits.size) octets")
            } else if message.bytes.allSatisfy({ $0 == 13 || $0 == 10 || $0 == 32 || $0 == 9 }) {
                answers.append("554 5.6.0 there is no message")
            } else {
                answers.append(await door.take(message.bytes, from: envelope.sender, for: recipient).line)
            }
        }
        return answers
    }
}

extension ByteBuffer {
    /// The next line without its end; nil while it has none.
    ///
    /// Only CR LF ends a line (RFC 5321, section 2.3.8). Were LF alone an end too, a message could end where the server
    /// in front saw none, and bring in a second one with an envelope of its own.
    ///
    /// - Parameter searched: bytes of this line that hold no end, from an earlier call.
    fileprivate mutating func readLine(after searched: inout Int) -> ByteBuffer? {
        let view = readableBytesView
        var from = view.startIndex + searched
        while let end = view[from...].firstIndex(of: 10) {
            if end > view.startIndex, view[end - 1] == 13 {
                searched = 0
                guard let line = readSlice(length: end - 1 - view.startIndex) else { return nil }
                moveReaderIndex(forwardBy: 2)
                return line
            }
            from = end + 1
        }
        searched = readableBytes
        return nil
    }
}

/// Lets go of a line that says nothing for long.
private final class HangUp: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

private final class Open: Sendable {
    private let count = NIOLockedValueBox(0)
    func enter(_ most: Int) -> Bool {
        count.withLockedValue { count in
            guard count < most else { return false }
            count += 1
            return true
        }
    }
    func leave() { count.withLockedValue { $0 -= 1 } }
}
