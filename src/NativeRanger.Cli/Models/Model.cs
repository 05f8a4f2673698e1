using MathNet.Numerics.LinearAlgebra.Double;

namespace NativeRanger.Cli.Models;

/// <summary>
/// A classifier that minimises mean cross-entropy + (1e-3/2)‖w‖² over all its parameters, with gradients computed by MathNet
/// matrices.
/// </summary>
internal abstract class Model
{
    /// <summary>The factor of ‖w‖²/2.</summary>
    protected const double Regularization = 1e-3;

    /// <summary>The parameters, which share their storage with the model's matrices.</summary>
    public abstract IReadOnlyList<Parameter<double>> Parameters { get; }

    /// <summary>The gradients, in the order and the storage order of the parameters.</summary>
    public abstract double[]?[] Gradients { get; }

    /// <summary>Stores the gradients on a batch.</summary>
    public abstract void ComputeGradients(Batch batch);

    /// <summary>The scores of every class (rows) for every example (columns).</summary>
    public abstract DenseMatrix Scores(Batch batch);

    /// <summary>(1e-3/2)‖w‖².</summary>
    public double Penalty() => Regularization / 2 * Parameters.Sum(p => Squares(p.Slice(0, checked((int)p.Length))));

    /// <summary>scores ← weights · inputs, plus the bias in every column.</summary>
    protected static void Affine(DenseMatrix weights, DenseMatrix inputs, DenseVector bias, DenseMatrix scores)
    {
        weights.Multiply(inputs, scores);
        for (var column = 0; column < scores.ColumnCount; column++)
        {
            for (var row = 0; row < scores.RowCount; row++)
            {
                scores.Values[(column * scores.RowCount) + row] += bias.Values[row];
            }
        }
    }

    /// <summary>gradient ← errors · inputsᵀ + 1e-3 · weights, and the same for the bias.</summary>
    protected static void AffineGradients(
        DenseMatrix errors,
        DenseMatrix inputs,
        (DenseMatrix Weights, DenseVector Bias) parameters,
        (DenseMatrix Weights, DenseVector Bias) gradients
    )
    {
        errors.TransposeAndMultiply(inputs, gradients.Weights);
        AddScaled(gradients.Weights.Values, Regularization, parameters.Weights.Values);
        Array.Clear(gradients.Bias.Values);
        for (var column = 0; column < errors.ColumnCount; column++)
        {
            for (var row = 0; row < errors.RowCount; row++)
            {
                gradients.Bias.Values[row] += errors.Values[(column * errors.RowCount) + row];
            }
        }

        AddScaled(gradients.Bias.Values, Regularization, parameters.Bias.Values);
    }

    private static void AddScaled(double[] target, double factor, double[] values)
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] += factor * values[i];
        }
    }

    private static double Squares(ReadOnlySpan<double> values)
    {
        var sum = 0d;
        foreach (var value in values)
        {
            sum += value * value;
        }

        return sum;
    }
}
