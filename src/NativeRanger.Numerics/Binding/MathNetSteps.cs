using System.Buffers;
using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics;

/// <summary>Steps along dense MathNet gradients, read where they are.</summary>
public static class MathNetSteps
{
    /// <summary>One step of a stepper with a single vector.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="stepper">The stepper.</param>
    /// <param name="gradient">The gradient, dense, of the parameter's length.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>).</returns>
    /// <exception cref="ArgumentNullException">The stepper or the gradient is null.</exception>
    /// <exception cref="ArgumentException">The gradient is not dense, or of another length than the parameter.</exception>
    /// <exception cref="InvalidOperationException">There are several parameters, or another thread is stepping.</exception>
    /// <exception cref="NonFiniteGradientException">The policy is Throw and the gradient is not finite.</exception>
    public static bool Step<T>(this Stepper<T> stepper, Vector<T> gradient, double? learningRate = null)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        StepSingle(stepper, new(gradient), learningRate);

    /// <summary>One step of a stepper with a single matrix.</summary>
    /// <inheritdoc cref="Step{T}(Stepper{T}, Vector{T}, double?)"/>
    /// <param name="stepper">The stepper.</param>
    /// <param name="gradient">The gradient, dense, of the parameter's shape.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    public static bool Step<T>(this Stepper<T> stepper, Matrix<T> gradient, double? learningRate = null)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        StepSingle(stepper, new(gradient), learningRate);

    /// <summary>One step, with one gradient per parameter: <c>stepper.Step([dW, db])</c>.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="stepper">The stepper.</param>
    /// <param name="gradients">The gradients, in bind order; a null one skips its parameter.</param>
    /// <param name="learningRate">Replaces the learning rate of the groups that have none of their own.</param>
    /// <returns>False where the step was skipped (<see cref="NonFinitePolicy.SkipStep"/>).</returns>
    /// <exception cref="ArgumentException">The count is wrong, or a gradient is of another shape than its parameter.</exception>
    /// <exception cref="InvalidOperationException">Another thread is stepping.</exception>
    /// <exception cref="NonFiniteGradientException">The policy is Throw and a gradient is not finite.</exception>
    public static bool Step<T>(
        this Stepper<T> stepper,
        ReadOnlySpan<DenseGradient<T>> gradients,
        double? learningRate = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        if (gradients.Length != stepper.Parameters.Count)
        {
            throw new ArgumentException(
                $"{gradients.Length} gradients were given; the stepper has {stepper.Parameters.Count} parameters "
                    + "(use null for one without a gradient).",
                nameof(gradients)
            );
        }

        // Rented, so that a step allocates nothing.
        var inOrder = ArrayPool<Gradient<T>>.Shared.Rent(gradients.Length);
        try
        {
            for (var i = 0; i < gradients.Length; i++)
            {
                inOrder[i] = gradients[i].For(stepper.Parameters[i], nameof(gradients));
            }

            return stepper.Step(inOrder.AsSpan(0, gradients.Length), learningRate);
        }
        finally
        {
            ArrayPool<Gradient<T>>.Shared.Return(inOrder, clearArray: true);
        }
    }

    private static bool StepSingle<T>(Stepper<T> stepper, in DenseGradient<T> gradient, double? learningRate)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stepper);
        if (stepper.Parameters.Count != 1)
        {
            throw new InvalidOperationException(
                $"The stepper has {stepper.Parameters.Count} parameters; give it one gradient for each (null for one without "
                    + "a gradient)."
            );
        }

        var only = gradient.For(stepper.Parameters[0], nameof(gradient));
        return stepper.Step(new ReadOnlySpan<Gradient<T>>(in only), learningRate);
    }
}
