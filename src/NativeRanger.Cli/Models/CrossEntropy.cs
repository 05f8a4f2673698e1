using MathNet.Numerics.LinearAlgebra.Double;

namespace NativeRanger.Cli.Models;

/// <summary>Softmax and cross-entropy of scores, one example per column.</summary>
internal static class CrossEntropy
{
    /// <summary>The sum over the examples of -log p(label), in nats, and how many have their label as the highest score.</summary>
    public static (double Loss, int Correct) Evaluate(DenseMatrix scores, int[] labels)
    {
        var loss = 0d;
        var correct = 0;
        for (var example = 0; example < labels.Length; example++)
        {
            var column = Column(scores, example);
            var largest = column[0];
            var highest = 0;
            for (var c = 1; c < column.Length; c++)
            {
                if (column[c] > largest)
                {
                    (largest, highest) = (column[c], c);
                }
            }

            var sum = 0d;
            foreach (var score in column)
            {
                sum += Math.Exp(score - largest);
            }

            loss += Math.Log(sum) + largest - column[labels[example]];
            correct += highest == labels[example] ? 1 : 0;
        }

        return (loss, correct);
    }

    /// <summary>Replaces scores by the derivative of the mean loss: (softmax - one-hot label) / examples.</summary>
    public static void Differentiate(DenseMatrix scores, int[] labels)
    {
        for (var example = 0; example < labels.Length; example++)
        {
            var column = Column(scores, example);
            var largest = column[0];
            foreach (var score in column)
            {
                largest = Math.Max(largest, score);
            }

            var sum = 0d;
            for (var c = 0; c < column.Length; c++)
            {
                column[c] = Math.Exp(column[c] - largest);
                sum += column[c];
            }

            for (var c = 0; c < column.Length; c++)
            {
                column[c] /= sum * labels.Length;
            }

            column[labels[example]] -= 1d / labels.Length;
        }
    }

    private static Span<double> Column(DenseMatrix scores, int index) =>
        scores.Values.AsSpan(index * scores.RowCount, scores.RowCount);
}
