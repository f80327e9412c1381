#pragma once
// A message of a read as one run of bytes: ReadHeader, records, floats (grammar in common/wire/read.h).
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/base/error.h"
#include "common/wire/read.h"

namespace larimar::wire {

template <class T>
[[nodiscard]] constexpr std::size_t message_bytes(std::size_t records, std::size_t floats) {
  return sizeof(ReadHeader) + records * sizeof(T) + floats * sizeof(float);
}

/// Header, records and floats one after another.
template <class T>
[[nodiscard]] std::vector<std::byte> pack(const ReadHeader& header, std::span<const T> records,
                                          std::span<const float> floats) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::byte> bytes(message_bytes<T>(records.size(), floats.size()));
  std::byte* at = bytes.data();
  const auto put = [&at](const void* data, std::size_t size) {
    if (size > 0) std::memcpy(at, data, size);
    at += size;
  };
  put(&header, sizeof header);
  put(records.data(), records.size_bytes());
  put(floats.data(), floats.size_bytes());
  return bytes;
}

/// What a message holds, copied out so that it is aligned.
template <class T>
struct Message {
  ReadHeader header{};
  std::vector<T> records{};
  std::vector<float> floats{};
};

/// Throws CommError if the length or the header is not the expected one (check_header).
template <class T>
[[nodiscard]] Message<T> unpack(std::span<const std::byte> bytes, const ReadHeader& expected, std::size_t records,
                                std::size_t floats) {
  if (bytes.size() != message_bytes<T>(records, floats)) {
    throw base::CommError("a message of a read has " + std::to_string(bytes.size()) + " bytes where " +
                          std::to_string(message_bytes<T>(records, floats)) + " were expected");
  }
  Message<T> message{{}, std::vector<T>(records), std::vector<float>(floats)};
  const auto take = [&bytes](void* data, std::size_t size) {
    if (size > 0) std::memcpy(data, bytes.data(), size);
    bytes = bytes.subspan(size);
  };
  take(&message.header, sizeof message.header);
  check_header(message.header, expected);
  take(message.records.data(), records * sizeof(T));
  take(message.floats.data(), floats * sizeof(float));
  return message;
}

}  // namespace larimar::wire
