#ifndef USHER_GMIME_SHIM_H
#define USHER_GMIME_SHIM_H
#include <gmime/gmime.h>

/* GObject's casts and type checks are macros, which Swift cannot see: one inline function for each that is used. */
static inline void usher_unref(void *object) { if (object) g_object_unref(object); }
static inline int usher_is_part(void *object) { return GMIME_IS_PART(object); }
static inline int usher_is_multipart(void *object) { return GMIME_IS_MULTIPART(object); }
static inline int usher_is_message_part(void *object) { return GMIME_IS_MESSAGE_PART(object); }
static inline int usher_is_mailbox(void *address) { return INTERNET_ADDRESS_IS_MAILBOX(address); }
static inline int usher_is_group(void *address) { return INTERNET_ADDRESS_IS_GROUP(address); }
static inline GMimePart *usher_part(void *object) { return (GMimePart *) object; }
static inline GMimeMultipart *usher_multipart(void *object) { return (GMimeMultipart *) object; }
static inline GMimeMessagePart *usher_message_part(void *object) { return (GMimeMessagePart *) object; }
static inline GMimeObject *usher_object(void *object) { return (GMimeObject *) object; }
static inline GMimeStream *usher_stream(void *object) { return (GMimeStream *) object; }
static inline InternetAddressMailbox *usher_mailbox(void *address) { return (InternetAddressMailbox *) address; }
static inline InternetAddressGroup *usher_group(void *address) { return (InternetAddressGroup *) address; }
static inline GByteArray *usher_stream_bytes(void *stream) { return g_mime_stream_mem_get_byte_array((GMimeStreamMem *) stream); }

/* A stream over bytes that stay the caller's, so that a large message is not copied. The caller keeps them until the stream and all that was
   made of it are gone, then lets go of the array, not of the bytes, by usher_array_leave. */
static inline GByteArray *usher_array_over(const void *bytes, size_t length) { return g_byte_array_new_take((guint8 *) bytes, length); }
static inline GMimeStream *usher_stream_over(GByteArray *array) {
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_stream_mem_set_byte_array((GMimeStreamMem *) stream, array);
    return stream;
}
static inline void usher_array_leave(GByteArray *array) { g_byte_array_free(array, FALSE); }
/* An empty stream with room, and its bytes, which are the caller's to free. */
static inline GMimeStream *usher_stream_sized(size_t room) { return g_mime_stream_mem_new_with_byte_array(g_byte_array_sized_new(room)); }
static inline guint8 *usher_stream_take_bytes(GMimeStream *stream) {
    GByteArray *array = g_mime_stream_mem_get_byte_array((GMimeStreamMem *) stream);
    g_mime_stream_mem_set_owner((GMimeStreamMem *) stream, FALSE);
    g_object_unref(stream);
    return g_byte_array_free(array, FALSE);
}
#endif
