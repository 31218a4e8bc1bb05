import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Who stands behind the listener: knows our addresses and takes messages.
package protocol MailDoor: Sendable {
    func knows(_ recipient: String) async -> Bool
    /// Answers only once the message would survive a loss of power.
    func take(_ message: Data, from sender: String, for recipient: String) async -> DoorAnswer
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
                        group.addTask { try? await connection.executeThenClose { _, out in try await out.write(ByteBuffer(string: "421 4.3.2 too many connections\r\n")) } }
                        continue
                    }
                    group.addTask {
                        defer { open.leave() }
                        // A connection that breaks ends itself alone; what was not answered was not taken.
                        try? await connection.executeThenClose { inbound, outbound in try await serve(inbound, outbound) }
                    }
                }
            }
        }
    }

    private func serve(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
        var dialogue = LMTPDialogue(host: name, limits: limits)
        var buffer = ByteBuffer()
        var message: DottedMessage?
        try await outbound.write(ByteBuffer(string: dialogue.greeting + "\r\n"))
        for try await chunk in inbound {
            buffer.writeImmutableBuffer(chunk)
            var answers = ""
            while let line = buffer.readLine() {
                if message != nil {
                    guard message?.take(line.readableBytesView) ?? false, let whole = message else { continue }
                    message = nil
                    for answer in await deliver(whole, dialogue.finish()) { answers += answer + "\r\n" }
                    continue
                }
                switch dialogue.take(String(decoding: line.readableBytesView.prefix(4096), as: UTF8.self)) {
                case .answer(let text): answers += text + "\r\n"
                case .ask(let recipient): answers += (await door.knows(recipient) ? dialogue.accept() : dialogue.refuse()) + "\r\n"
                case .readMessage:
                    message = DottedMessage(limit: limits.size)
                    answers += "354 go on, end with a dot\r\n"
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

    private func deliver(_ message: DottedMessage, _ envelope: (sender: String, recipients: [String])) async -> [String] {
        var answers: [String] = []
        for recipient in envelope.recipients {
            if message.isTooLarge {
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
    /// The next line without its end, LF alone or CR LF; nil while it has none.
    fileprivate mutating func readLine() -> ByteBuffer? {
        guard let end = readableBytesView.firstIndex(of: 10) else { return nil }
        let length = end - readerIndex
        guard var line = readSlice(length: length) else { return nil }
        moveReaderIndex(forwardBy: 1)
        if line.readableBytesView.last == 13 { line = line.getSlice(at: line.readerIndex, length: line.readableBytes - 1) ?? line }
        return line
    }
}

/// Lets go of a line that says nothing for long.
private final class HangUp: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) } else { context.fireUserInboundEventTriggered(event) }
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
