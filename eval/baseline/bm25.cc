#include "eval/baseline/bm25.h"

#include <xapian.h>

#include <map>
#include <utility>

#include "common/base/error.h"
#include "common/base/interrupt.h"

namespace larimar::eval::baseline {
namespace {

constexpr Xapian::valueno kPlaceSlot = 0;  // of a document in the index: document and passage, in reading order
constexpr int kHalfBits = 32;

// Sorts as the number does.
std::string big_endian(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i-- > 0; value >>= 8U) bytes[i] = static_cast<char>(value & 0xFFU);
  return bytes;
}

std::uint64_t from_big_endian(const std::string& bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}

class Bm25Ranker final : public Ranker {
 public:
  Bm25Ranker() : index_(std::string(), Xapian::DB_BACKEND_INMEMORY) {
    terms_.set_stemmer(Xapian::Stem(kBm25Stemmer));
    terms_.set_stemming_strategy(Xapian::TermGenerator::STEM_ALL);
  }

  std::vector<std::vector<Ranked>> rank(const ContextPassages& context, std::span<const std::string> queries,
                                        std::size_t count) override {
    try {
      follow(context);
      std::vector<std::vector<Ranked>> ranked;
      for (const std::string& query : queries) ranked.push_back(rank(context, query, count));
      return ranked;
    } catch (const Xapian::Error& error) {
      throw base::Error(base::ExitCode::kInternal, "the BM25 index failed: " + error.get_description());
    }
  }

 private:
  /// A document of a context: its number there, and its serial.
  using Key = std::pair<std::size_t, std::uint64_t>;

  // Takes out the documents that went, puts in those that came.
  void follow(const ContextPassages& context) {
    const auto documents = context.documents();
    std::map<Key, std::vector<Xapian::docid>> now;
    for (std::size_t d = 0; d < documents.size(); ++d) now[{d, documents[d]->serial}];
    for (auto& [key, ids] : indexed_) {
      const auto kept = now.find(key);
      if (kept != now.end()) {
        kept->second = std::move(ids);
      } else {
        for (const Xapian::docid id : ids) index_.delete_document(id);
      }
    }
    for (std::size_t d = 0; d < documents.size(); ++d) {
      std::vector<Xapian::docid>& ids = now[{d, documents[d]->serial}];
      if (ids.empty()) ids = add(d, documents[d]->passages);
    }
    indexed_ = std::move(now);
  }

  std::vector<Xapian::docid> add(std::size_t number, const std::vector<Passage>& passages) {
    base::throw_if_interrupted();
    std::vector<Xapian::docid> ids;
    for (std::size_t i = 0; i < passages.size(); ++i) {
      Xapian::Document document = indexed(passages[i].text);
      document.add_value(kPlaceSlot, big_endian((static_cast<std::uint64_t>(number) << kHalfBits) | i));
      ids.push_back(index_.add_document(document));
    }
    return ids;
  }

  Xapian::Document indexed(const std::string& text) {
    Xapian::Document document;
    terms_.set_document(document);
    terms_.index_text_without_positions(text);
    return terms_.get_document();
  }

  std::vector<Ranked> rank(const ContextPassages& context, const std::string& query, std::size_t count) {
    std::vector<Xapian::Query> terms;
    const Xapian::Document words = indexed(query);
    for (auto term = words.termlist_begin(); term != words.termlist_end(); ++term)
      terms.emplace_back(*term, term.get_wdf());
    std::vector<Ranked> ranked;
    if (terms.empty() || count == 0) return ranked;
    Xapian::Enquire enquire(index_);
    enquire.set_query(Xapian::Query(Xapian::Query::OP_OR, terms.begin(), terms.end()));
    enquire.set_weighting_scheme(Xapian::BM25Weight(kBm25K1, 0, 1, kBm25B, 0));
    enquire.set_sort_by_relevance_then_value(kPlaceSlot, false);
    const Xapian::MSet found = enquire.get_mset(0, static_cast<Xapian::doccount>(count));
    for (auto hit = found.begin(); hit != found.end(); ++hit) {
      const std::uint64_t place = from_big_endian(hit.get_document().get_value(kPlaceSlot));
      const std::uint64_t passage = place & 0xFFFFFFFFU;
      ranked.push_back({context.begin_of(place >> kHalfBits) + passage, hit.get_weight()});
    }
    return ranked;
  }

  Xapian::WritableDatabase index_;
  Xapian::TermGenerator terms_;
  std::map<Key, std::vector<Xapian::docid>> indexed_;
};

}  // namespace

std::unique_ptr<Ranker> make_bm25_ranker() { return std::make_unique<Bm25Ranker>(); }

}  // namespace larimar::eval::baseline
