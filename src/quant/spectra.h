// Finds the linear operators that 8 bits of range are too few for: those of a front end that works
// on a power spectrum.
//
// The energies of a spectrum span many decades, and dynamic quantization gives a tensor one linear
// scale: about 48 dB between its largest value and a step. The next layers of a net live with that
// as long as only the large energies count. It ruins
//  - what a logarithm follows, as in log-mel features: it makes a large error of the small absolute
//    error of a small energy;
//  - what reads energies side by side with other values (a Concat): the energies' scale leaves the
//    others no steps.
// The signal that a transform reads can do with 16 bits, as recordings have. Energies can't:
// squares span twice the decades, and int16 has 45 dB between the largest and a step, less than
// there is between the formants of speech and its consonants. Log-mel features of speech keep 44 dB
// where the signal is int16 and 10 dB where the energies are, too.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_map>

#include "graph/graph.h"

namespace octet {

// The constant that a value of the graph stands for, or null; knows the enclosing graphs' too.
using ConstantLookup = std::function<const Tensor*(ValueId)>;

struct NearSpectrum {
  std::string_view reason; // to report
  bool reads_signal;       // not energies
};

// The nodes of this graph (not of its subgraphs) that are not for 8 bits.
std::unordered_map<NodeId, NearSpectrum> nodes_near_spectra(const Graph& graph,
                                                            const ConstantLookup& constant);

} // namespace octet
