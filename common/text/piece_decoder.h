#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/json_part.h"

namespace larimar::text {

/// Turns the texts of pieces back into a text: the "decoder" of a tokenizer.json. Immutable, thread-safe; the Run of one
/// text belongs to its user. A text is always decoded piece by piece, so a stream cannot differ from the whole.
/// Known: ByteLevel, WordPiece, Metaspace, and a Sequence of Replace, ByteFallback, Fuse and Strip; none joins by blanks.
class PieceDecoder {
 public:
  /// From the root of the file. Throws FormatError naming a step or option that is not known.
  explicit PieceDecoder(const JsonPart& root);

  /// What decoding remembers from piece to piece.
  struct Run {
    struct Memory {
      bool started = false;
      std::size_t stripped = 0;  // blanks taken from the front
      bool stripping = true;
      std::string bytes;  // of a run of <0x..> that has not ended
    };
    std::vector<Memory> memory;
  };
  [[nodiscard]] Run start() const { return {std::vector<Run::Memory>(steps_.size())}; }
  /// Appends what is certain after this piece. Bytes of invalid UTF-8 come as they are from ByteLevel, as U+FFFD from ByteFallback.
  void push(Run& run, std::string piece, std::string& text) const { feed(run, 0, std::move(piece), text); }
  /// Appends what was held back: a run of bytes that ends the text.
  void finish(Run& run, std::string& text) const;

 private:
  enum class Kind : std::uint8_t { kByteLevel, kWordPiece, kMetaspace, kReplace, kByteFallback, kFuse, kStrip, kJoin };
  struct Step {
    Kind kind;
    std::string from, to;  // WordPiece's mark, Metaspace's blank and Strip's character are in `from`
    std::size_t count = 0;
    bool flag = false;        // WordPiece: tidy up; Metaspace: no blank in front
    bool after_fuse = false;  // pieces are parts of one text
  };
  void add(const JsonPart& part);
  void feed(Run& run, std::size_t step, std::string piece, std::string& text) const;
  void feed_bytes(Run& run, std::size_t step, std::string piece, std::string& text) const;
  void flush_bytes(Run& run, std::size_t step, std::string& text) const;

  std::vector<Step> steps_;
};

}  // namespace larimar::text
