#include "launch/language.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "common/base/error.h"
#include "launch/text_messages.h"

namespace larimar::launch {
namespace {

using decoder::Passages;
using Work = std::function<std::string(const Passages&)>;  // one result for one question

std::string bytes_of(const linalg::Matrix& matrix) {
  return {reinterpret_cast<const char*>(matrix.data()), static_cast<std::size_t>(matrix.size()) * sizeof(float)};
}

linalg::Matrix matrix_of(const std::string& bytes, std::size_t rows) {
  const std::size_t columns = rows == 0 ? 0 : bytes.size() / sizeof(float) / rows;
  if (bytes.size() != rows * columns * sizeof(float)) throw base::CommError("a message of codes is cut short");
  linalg::Matrix matrix(static_cast<linalg::Index>(rows), static_cast<linalg::Index>(columns));
  std::ranges::copy(bytes, reinterpret_cast<char*>(matrix.data()));
  return matrix;
}

// As texts: the question, how many codes, the codes, how many texts, the texts; one after another.
std::vector<std::string> packed(std::span<const Passages> passages) {
  std::vector<std::string> texts;
  for (const Passages& one : passages) {
    texts.push_back(one.question);
    texts.push_back(std::to_string(one.codes.rows()));
    texts.push_back(bytes_of(one.codes));
    texts.push_back(std::to_string(one.texts.size()));
    std::ranges::copy(one.texts, std::back_inserter(texts));
  }
  return texts;
}

constexpr std::size_t kBeforeTexts = 4;  // strings of a question before its texts

std::vector<Passages> unpacked(std::vector<std::string> texts) {
  std::vector<Passages> passages;
  for (std::size_t at = 0; at < texts.size();) {
    const std::size_t left = texts.size() - at;
    const std::size_t count = left >= kBeforeTexts ? std::stoul(texts[at + 3]) : left;
    if (left < kBeforeTexts || count > left - kBeforeTexts)
      throw base::CommError("a message of questions and texts is cut short");
    Passages& one = passages.emplace_back();
    one.question = std::move(texts[at]);
    one.codes = matrix_of(texts[at + 2], std::stoul(texts[at + 1]));
    const auto first = texts.begin() + static_cast<std::ptrdiff_t>(at + kBeforeTexts);
    std::move(first, first + static_cast<std::ptrdiff_t>(count), std::back_inserter(one.texts));
    at += kBeforeTexts + count;
  }
  return passages;
}

std::vector<std::string> worked(std::span<const Passages> passages, const Work& work) {
  std::vector<std::string> results;
  for (const Passages& one : passages) results.push_back(work(one));
  return results;
}

/// Results in the order of the passages, on rank 0. Parts leave before rank 0 does its own.
std::vector<std::string> share_out(const LanguageRanks& ranks, std::span<const Passages> passages, std::size_t count,
                                   const Work& work) {
  const comm::PhaseScope phase(ranks.transport, "language model");
  const std::size_t parts = ranks.plan.decoder_ranks.size();
  const bool root = ranks.transport.rank() == 0;
  const auto share = [&](std::size_t part) {
    return root ? passages.subspan(count * part / parts, count * (part + 1) / parts - count * part / parts)
                : std::span<const Passages>{};
  };
  for (std::size_t part = 0; root && part < parts; ++part) {
    const int to = ranks.plan.decoder_ranks[part];
    if (to != 0) send_texts(ranks.transport, packed(share(part)), to);
  }
  std::vector<std::string> results;
  for (std::size_t part = 0; part < parts; ++part) {
    const int rank = ranks.plan.decoder_ranks[part];
    if (rank == ranks.transport.rank() && !root) {
      send_texts(ranks.transport, worked(unpacked(receive_texts(ranks.transport, 0)), work), 0);
    } else if (root) {
      std::ranges::move(rank == 0 ? worked(share(part), work) : receive_texts(ranks.transport, rank),
                        std::back_inserter(results));
    }
  }
  if (root && results.size() != count) throw base::CommError("a decoder rank gave another number of results");
  return results;
}

}  // namespace

std::vector<std::vector<double>> exchange_likelihoods(const LanguageRanks& ranks, std::span<const Passages> passages,
                                                      std::size_t count) {
  const auto bytes = share_out(ranks, passages, count, [&](const Passages& one) {
    const std::vector<double> values = ranks.service->likelihoods(one);
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  });
  std::vector<std::vector<double>> likelihoods;
  for (std::size_t q = 0; q < bytes.size(); ++q) {
    if (bytes[q].size() != passages[q].texts.size() * sizeof(double))
      throw base::CommError("a decoder rank gave another number of likelihoods");
    std::ranges::copy(bytes[q], reinterpret_cast<char*>(likelihoods.emplace_back(passages[q].texts.size()).data()));
  }
  return likelihoods;
}

std::vector<std::string> exchange_answers(const LanguageRanks& ranks, std::span<const Passages> passages,
                                          std::size_t count) {
  return share_out(ranks, passages, count, [&](const Passages& one) {
    return one.codes.rows() > 0       ? ranks.codes->answer(one.question, one.codes)
           : ranks.service != nullptr ? ranks.service->answer(one)
                                      : std::string();
  });
}

}  // namespace larimar::launch
