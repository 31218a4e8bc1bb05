#ifndef USHER_QRCODE_SHIM_H
#define USHER_QRCODE_SHIM_H
#include <qrencode.h>
#endif
