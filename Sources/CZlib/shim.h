#pragma once
#include <unistd.h>
#include <zlib.h>

// unistd.h has it for _GNU_SOURCE alone (syncfs(2), Linux 2.6.39): all that was written to one file system, at once.
int syncfs(int fd);

// deflateInit2 and inflateInit2 are macros. 31 window bits: the gzip format (RFC 1952).

/// Room that is enough for `length` bytes packed.
static inline unsigned long usher_gzip_bound(unsigned long length) { return compressBound(length) + 18; }

/// Packs bytes; the packed length, or 0 when the room was too small.
static inline unsigned long usher_gzip(const unsigned char *from, unsigned long length, unsigned char *to, unsigned long room, int level) {
    z_stream stream = {0};
    if (deflateInit2(&stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (unsigned char *)from;
    stream.avail_in = (unsigned int)length;
    stream.next_out = to;
    stream.avail_out = (unsigned int)room;
    int done = deflate(&stream, Z_FINISH);
    unsigned long packed = stream.total_out;
    deflateEnd(&stream);
    return done == Z_STREAM_END ? packed : 0;
}

/// Unpacks into exactly `room` bytes; the unpacked length, or 0 when it is damaged or longer.
static inline unsigned long usher_gunzip(const unsigned char *from, unsigned long length, unsigned char *to, unsigned long room) {
    z_stream stream = {0};
    if (inflateInit2(&stream, 31) != Z_OK) return 0;
    stream.next_in = (unsigned char *)from;
    stream.avail_in = (unsigned int)length;
    stream.next_out = to;
    stream.avail_out = (unsigned int)room;
    int done = inflate(&stream, Z_FINISH);
    unsigned long unpacked = stream.total_out;
    inflateEnd(&stream);
    return done == Z_STREAM_END ? unpacked : 0;
}

/// Packs bytes into a file, a piece at a time; the packed length, or -1 when something could not be written.
static inline long usher_gzip_file(int file, const unsigned char *from, unsigned long length, int level) {
    z_stream stream = {0};
    if (deflateInit2(&stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
    stream.next_in = (unsigned char *)from;
    stream.avail_in = (unsigned int)length;
    unsigned char piece[65536];
    int done = Z_OK;
    long total = 0;
    while (done == Z_OK) {
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        done = deflate(&stream, Z_FINISH);
        long ready = sizeof piece - stream.avail_out;
        for (long written = 0; written < ready;) {
            long now = write(file, piece + written, ready - written);
            if (now <= 0) {
                deflateEnd(&stream);
                return -1;
            }
            written += now;
        }
        total += ready;
    }
    deflateEnd(&stream);
    return done == Z_STREAM_END ? total : -1;
}
